"""Invented cards, licences, terms and purposes, and what makes each of them stricter."""

from collections.abc import Callable, Iterable, Mapping
from datetime import date, timedelta
from typing import Any, Final, get_args

from hypothesis import strategies as st
from msgspec import Struct, structs

from steelyard.catalog.cards import RELATIONS, Card, Component, Evaluation
from steelyard.catalog.catalogue import Catalogue
from steelyard.catalog.claims import Claim
from steelyard.catalog.licences import Act, Duty, Licence, Permit, Rule
from steelyard.catalog.purpose import Purpose, stricter
from steelyard.catalog.terms import Terms

__all__ = ["MODELS", "PROVIDERS", "TODAY", "World", "demands", "purposes", "restricted", "worlds"]

TODAY = date(2026, 11, 22)
MODELS = tuple(f"maker/m{number}" for number in range(5))
PROVIDERS = ("mine", "host", "maker-api")
LICENCES = ("l0", "l1", "l2", "l3")
TERMS = ("t0", "t1")
_TEXTS = ("l0 OR l1", "l3 OR l2", "l2 AND l0", "l1 OR (l3 AND l0)")
ACTS: Final = get_args(Act)


class World(Struct, frozen=True):
    """Everything that decisions are made from."""

    cards: tuple[Card, ...]
    licences: tuple[Licence, ...]
    terms: tuple[Terms, ...]

    @property
    def catalogue(self) -> Catalogue:
        return Catalogue(self.cards, self.licences, self.terms)

    def with_card(self, card: Card) -> "World":
        """Return this world with another card of the same model."""
        return structs.replace(self, cards=tuple(card if one.model == card.model else one for one in self.cards))


def claim(value: Any, expires: date | None = None) -> Claim:
    return Claim(value, "https://example.com/card", date(2025, 1, 1), expires)


_days = st.none() | st.sampled_from([TODAY - timedelta(1), TODAY, TODAY + timedelta(1)])


def usually(often: st.SearchStrategy[Any], seldom: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Return the first strategy five times out of six: by random rules alone, nobody would be permitted anything."""
    return st.sampled_from([often, often, often, often, often, seldom]).flatmap(lambda chosen: chosen)


def claims(
    values: Mapping[str, st.SearchStrategy[Any]], seldom: Mapping[str, st.SearchStrategy[Any]]
) -> st.SearchStrategy[dict[str, Claim]]:
    """Return strategies' values as claims, of which any may be missing or have expired; those in `seldom` usually
    are missing."""
    each = {
        name: usually(st.builds(claim, strategy), st.none() | st.builds(claim, strategy, _days))
        for name, strategy in values.items()
    }
    each |= {name: usually(st.none(), st.builds(claim, strategy, _days)) for name, strategy in seldom.items()}
    return st.fixed_dictionaries(each).map(lambda found: {name: one for name, one in found.items() if one is not None})


_conditions: tuple[dict[str, Any], ...] = (
    {"use": "commercial"},
    {"use": ["research", "evaluation"]},
    {"train_on_outputs": True},
    {"distributes_derived": True},
    {"hosts_for_third_parties": True},
    {"modifies_weights": True},
    {"monthly_active_users": {"above": 700.0}},
    {"monthly_active_users": {"above": 700.0, "on": "2024-07-23"}},
    {"annual_revenue_usd": {"at_least": 1000.0}},
    {"domain": ["medical", "military"]},
    {"territory": ["EU"]},
    {"not_territory": ["US", "DE"]},
    {"end_user_territory": ["CN"]},
    {"derived_model_name": {"lacks_prefix": "Llama"}},
    {"modality": ["image"]},
)
_when = st.lists(st.sampled_from(_conditions), min_size=1, max_size=2).map(
    lambda parts: {key: value for part in parts for key, value in part.items()}
)
_rules = st.builds(Rule, clause=st.just("2"), text=st.just("It is forbidden."), when=_when)
_duties = st.builds(
    Duty, kind=st.just("display"), clause=st.just("3"), text=st.just("Say so."), when=_when, show=st.just("Built with")
)
_permits = st.builds(
    Permit,
    acts=st.lists(st.sampled_from(ACTS), min_size=1, unique=True).map(tuple),
    clause=st.just("1"),
    text=st.just("It is permitted."),
    when=st.just({}) | _when,
)
_all_permitted = Permit(acts=ACTS, clause="1", text="All is permitted.")


def _licence(name: str, kind: str) -> st.SearchStrategy[Licence]:
    return st.builds(
        Licence,
        id=st.just(name),
        title=st.just(name),
        kind=st.just(kind),
        address=st.just("https://example.com/licence"),
        retrieved=st.just(TODAY),
        distilled_is_derivative=st.sampled_from([None, True, False]),
        permits=usually(st.just((_all_permitted,)), st.lists(_permits, min_size=1, max_size=3).map(tuple)),
        prohibits=usually(st.just(()), st.lists(_rules, max_size=3).map(tuple)),
        duties=st.lists(_duties, max_size=2).map(tuple),
    )


_evaluations = st.builds(
    Evaluation,
    name=st.sampled_from(["MMLU", "GPQA"]),
    value=st.sampled_from([0.4, 0.7, 0.9]),
    source=st.just("https://example.com/results"),
    retrieved=st.just(date(2025, 1, 1)),
    expires=_days,
)
_components = st.builds(
    Component,
    source=st.just("https://example.com/weights"),
    retrieved=st.just(date(2025, 1, 1)),
    licence=st.sampled_from([None, "l0", "MIT"]),
    published=st.booleans(),
    expires=_days,
)


def _card(number: int) -> st.SearchStrategy[Card]:
    parents = st.lists(st.sampled_from([*MODELS, "maker/unknown"]), min_size=1, max_size=2, unique=True)
    values: dict[str, st.SearchStrategy[Any]] = {
        "licence": usually(st.sampled_from((*LICENCES, *_TEXTS)), st.just("strange")),
        "developer": st.sampled_from(["maker", "other"]),
        "modalities": st.sampled_from([["text"], ["text", "image"]]),
        "compute_flop": st.sampled_from([[1e22, 1e22], [1e23, 1e25], [1e26, 1e26]]),
        "weights_published": st.booleans(),
    }
    seldom = {"base_model": parents, "base_model_relation": st.sampled_from(RELATIONS)}
    return st.builds(
        Card,
        model=st.just(MODELS[number]),
        claims=claims(values, seldom),
        components=st.dictionaries(st.just("final-parameters"), _components, max_size=1),
        evaluations=st.lists(_evaluations, max_size=3).map(tuple),
        vouched=st.booleans(),
    )


def _terms(provider: str) -> st.SearchStrategy[Terms]:
    values: dict[str, st.SearchStrategy[Any]] = {
        "terms": usually(st.sampled_from(TERMS), st.just("strange")),
        "self_hosted": st.just(provider == "mine"),
        "regions": st.sampled_from([["eu"], ["us"], ["eu-fr", "us"], []]),
        "retention_days": st.sampled_from([0, 30]),
        "trains_on_inputs": st.booleans(),
    }
    seldom = {"developer": st.sampled_from(["maker", "other"])}
    return st.builds(Terms, provider=st.just(provider), claims=claims(values, seldom))


worlds: st.SearchStrategy[World] = st.builds(
    World,
    cards=st.tuples(*(_card(number) for number in range(len(MODELS)))),
    licences=st.tuples(*(_licence(one, "licence") for one in LICENCES), *(_licence(one, "terms") for one in TERMS)),
    terms=st.tuples(*map(_terms, PROVIDERS)),
)

demands: st.SearchStrategy[Purpose] = st.builds(
    Purpose,
    region=st.sampled_from([(), ("eu",), ("us", "eu")]),
    max_retention_days=st.sampled_from([None, 0.0, 7.0, 30.0]),
    allow_provider_training=st.sampled_from([None, True, False]),
    self_hosted_only=st.sampled_from([None, False, True]),
    min_openness=st.sampled_from([None, "closed", "open-weight", "mof3", "mof1"]),
    max_compute_flop=st.sampled_from([None, 1e22, 1e24, 1e26]),
    min_quality=st.sampled_from([(), ("MMLU >= 0.7",), ("MMLU > 0.7", "GPQA >= 40 %"), ("nonsense",)]),
)

_places = st.sampled_from([(), ("DE",), ("US",), ("CN",), ("EU",), ("US", "CN")])
_acts = st.sampled_from([None, False, True])
_declared: st.SearchStrategy[Purpose] = st.builds(
    Purpose,
    use=st.sampled_from([None, "research", "evaluation", "commercial"]),
    other_uses=st.sampled_from([(), (), (), ("evaluation",), ("research", "commercial")]),
    monthly_active_users=st.sampled_from([None, 5.0, 1e9]),
    monthly_active_users_at_release=st.sampled_from([None, 5.0, 1e9]),
    annual_revenue_usd=st.sampled_from([None, 1.0, 1e9]),
    domain=st.sampled_from([(), ("medical",), ("general",), ("healthcare", "finance"), ("beekeeping",)]),
    territory=_places,
    end_user_territory=_places,
    train_on_outputs=_acts,
    derived_model_name=st.sampled_from([(), ("Llama-mine",), ("Mine",)]),
    distributes_derived=_acts,
    hosts_for_third_parties=_acts,
    redistributes_weights=_acts,
    modifies_weights=_acts,
)
purposes: st.SearchStrategy[Purpose] = st.one_of(_declared, st.builds(stricter, _declared, demands))
"""What is declared, and perhaps demanded."""


# What makes a world stricter.


def _licence_restricted(world: World, name: str, change: Callable[[Licence], Licence]) -> World:
    changed = tuple(change(one) if one.id == name else one for one in world.licences)
    return structs.replace(world, licences=changed)


def _expired(claims: Mapping[str, Claim], names: Iterable[str]) -> dict[str, Claim]:
    gone = TODAY - timedelta(1)
    return {name: structs.replace(one, expires=gone) if name in names else one for name, one in claims.items()}


@st.composite
def restricted(draw: st.DrawFn, world: World) -> tuple[str, World]:
    """Draw one restriction; return what it is and the world with it."""
    kind = draw(
        st.sampled_from(["prohibit", "forbid", "oblige", "withdraw", "both", "expire", "terms", "parent", "old"])
    )
    card = draw(st.sampled_from(world.cards))
    licence = draw(st.sampled_from(world.licences))
    match kind:
        case "prohibit":
            rule = draw(_rules)
            made = _licence_restricted(
                world, licence.id, lambda one: structs.replace(one, prohibits=(*one.prohibits, rule))
            )
        case "forbid":  # for whatever is declared
            rule = Rule(clause="9", text="Nothing is allowed.", when={"territory": ["EU"]})
            other = Rule(clause="9", text="Nothing is allowed.", when={"not_territory": ["EU"]})
            made = _licence_restricted(
                world, licence.id, lambda one: structs.replace(one, prohibits=(*one.prohibits, rule, other))
            )
        case "oblige":
            duty = draw(_duties)
            made = _licence_restricted(world, licence.id, lambda one: structs.replace(one, duties=(*one.duties, duty)))
        case "withdraw":
            made = _licence_restricted(world, licence.id, lambda one: structs.replace(one, permits=one.permits[1:]))
        case "both":
            claim_ = card.claims.get("licence")
            if claim_ is None:
                return kind, world
            also = draw(st.sampled_from(LICENCES))
            both = structs.replace(claim_, value=f"{claim_.value} AND {also}")
            made = world.with_card(structs.replace(card, claims={**card.claims, "licence": both}))
        case "expire":
            names = draw(st.sets(st.sampled_from(sorted(card.claims)))) if card.claims else set()
            components = {
                name: structs.replace(one, expires=TODAY - timedelta(1)) for name, one in card.components.items()
            }
            made = world.with_card(
                structs.replace(
                    card,
                    claims=_expired(card.claims, names),
                    components=components if draw(st.booleans()) else card.components,
                )
            )
        case "old":
            old = tuple(structs.replace(one, expires=TODAY - timedelta(1)) for one in card.evaluations)
            made = world.with_card(
                structs.replace(
                    card,
                    evaluations=tuple(draw(st.sampled_from(pair)) for pair in zip(card.evaluations, old, strict=True)),
                )
            )
        case "terms":
            terms = draw(st.sampled_from(world.terms))
            names = draw(st.sets(st.sampled_from(sorted(terms.claims)))) if terms.claims else set()
            worse = structs.replace(terms, claims=_expired(terms.claims, names))
            made = structs.replace(world, terms=tuple(worse if one is terms else one for one in world.terms))
        case _:
            parent = draw(st.sampled_from([*MODELS, "maker/unknown"]))
            known = card.claims.get("base_model")
            parents = [*(known.value if known is not None else []), parent]
            lineage = claim(parents) if known is None else structs.replace(known, value=parents)
            made = world.with_card(structs.replace(card, claims={**card.claims, "base_model": lineage}))
    return kind, made
