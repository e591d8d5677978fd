"""One licence against one purpose: whether each rule's conditions hold, and what follows. Pure.

Conditions have three values. What a caller *does* (the acts, its fields of use) counts as not done while it is not
declared; what a caller *is* (its users, its revenue, where it sits) is unknown while it is not declared. A prohibition
whose conditions may hold makes the verdict unknown; a duty whose conditions may hold is a duty.
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import date
from functools import lru_cache
from typing import Final

from msgspec import Struct, structs

from steelyard.catalog.conditions import DOMAINS, Condition, conditions_in
from steelyard.catalog.licences import Act, Duty, Licence, Permit, Rule
from steelyard.catalog.purpose import ACTS, Purpose
from steelyard.catalog.territories import lies_in
from steelyard.core.errors import ConfigError
from steelyard.documents.findings import Findings
from steelyard.policy.decision import Obligation, Outcome, Reason, Verdict

__all__ = ["Circumstances", "Rules", "circumstances_of", "rules_of"]

_SYNONYMS: Final = {
    "healthcare": "medical", "health": "medical", "medicine": "medical", "law": "legal", "defence": "military",
    "defense": "military", "warfare": "military", "biometrics": "biometric", "policing": "law-enforcement",
    "immigration": "migration", "asylum": "migration", "courts": "judiciary", "justice": "judiciary",
    "infrastructure": "critical-infrastructure", "financial": "finance", "banking": "finance", "lending": "credit",
    "hiring": "employment", "hr": "employment", "elections": "political", "politics": "political",
    "pornography": "adult", "children": "minors", "cyberattack": "hacking", "malware": "hacking",
    "chemical": "chemical-biological", "biological": "chemical-biological",
}  # fmt: skip
_DEED: Final[dict[str, Act]] = {
    "hosts_for_third_parties": "host",
    "redistributes_weights": "redistribute",
    "modifies_weights": "modify",
    "train_on_outputs": "train",
}
_USES: Final[tuple[Act, ...]] = ("commercial", "research", "evaluation")
_DEEDS: Final[dict[Act, str]] = {
    "commercial": "commercial use", "research": "research", "evaluation": "internal evaluation",
    "host": "offering the model to third parties", "redistribute": "passing the weights on",
    "modify": "changing the weights", "train": "training another model on its outputs",
}  # fmt: skip


class Circumstances(Struct, frozen=True):
    """What a rule is tested against. `modalities` are the card's, None when they are not known; `on` is the day.
    `domains` are the purpose's fields of use in the words of the limits, `strange` those that are none of these, and
    `acts` what is to be permitted."""

    purpose: Purpose
    modalities: tuple[str, ...] | None
    on: date
    domains: frozenset[str]
    strange: tuple[str, ...]
    acts: tuple[Act, ...]


def circumstances_of(purpose: Purpose, modalities: tuple[str, ...] | None, on: date) -> tuple[Circumstances, ...]:
    """Return what rules are tested against when a purpose uses a model on a day: a set for each use that is declared,
    in all of which the model has to be permitted."""
    spoken = {_SYNONYMS.get(word, word): word for word in purpose.domain}
    strange = tuple(word for meant, word in spoken.items() if meant not in DOMAINS and meant != "general")
    deeds = tuple(act for key, act in _DEED.items() if getattr(purpose, key))
    several = [structs.replace(purpose, use=use, other_uses=()) for use in purpose.uses] or [purpose]
    return tuple(
        Circumstances(one, modalities, on, frozenset(spoken), strange, (*(one.uses or _USES), *deeds))
        for one in several
    )


Test = Callable[[Condition, Circumstances], bool | None]


class _Bound(Struct, frozen=True):
    """A rule with its conditions read, each with what tests it."""

    conditions: tuple[tuple[Test, Condition], ...]
    clause: str
    text: str
    acts: tuple[Act, ...] = ()
    duty: Obligation | None = None


class Rules:
    """One licence, ready to be asked."""

    def __init__(self, licence: Licence) -> None:
        self.licence = licence
        self._permits = tuple(_bound(one, licence) for one in licence.permits)
        self._prohibits = tuple(_bound(one, licence) for one in licence.prohibits)
        self._duties = tuple(_bound(one, licence) for one in licence.duties)
        rules = (*self._permits, *self._prohibits, *self._duties)
        self.asks_modality = any(one.subject == "modality" for rule in rules for _, one in rule.conditions)

    def verdict(self, at: Circumstances) -> Verdict:
        """Return what the licence says."""
        reasons = [*self._barred(at), *self._permitted(at)]
        outcome: Outcome = "allow"
        effects = {reason.effect for reason in reasons}
        if "deny" in effects:
            outcome = "deny"
        elif "unknown" in effects:
            outcome = "unknown"
        duties = tuple(
            one.duty for one in self._duties if one.duty is not None and _all(one.conditions, at) is not False
        )
        if outcome == "allow" and duties:
            outcome = "duties"
        reasons += [Reason("duty", duty.clause, duty.licence, duty.text) for duty in duties]
        return Verdict(outcome, tuple(reasons), duties)

    def outcome(self, at: Circumstances) -> Outcome:
        """Return the outcome of the verdict alone, for a fraction of its cost."""
        known = True
        for rule in self._prohibits:
            holds = _all(rule.conditions, at)
            if holds:
                return "deny"
            known = known and holds is False
        if not known or not all(self._grants(act, at) for act in at.acts):
            return "unknown"
        return "allow" if all(_all(one.conditions, at) is False for one in self._duties) else "duties"

    def _grants(self, act: Act, at: Circumstances) -> _Bound | None:
        """Return what permits an act; None when nothing is known to."""
        for one in self._permits:
            if act in one.acts and _all(one.conditions, at):
                return one
        return None

    def _barred(self, at: Circumstances) -> Iterable[Reason]:
        for rule in self._prohibits:
            holds = _all(rule.conditions, at)
            if holds:
                yield Reason("deny", rule.clause, self.licence.id, rule.text)
            elif holds is None:
                lacking = "; ".join(_lacking(one, at) for test, one in rule.conditions if test(one, at) is None)
                yield Reason("unknown", rule.clause, self.licence.id, f"{rule.text} Whether this applies: {lacking}")

    def _permitted(self, at: Circumstances) -> Iterable[Reason]:
        undeclared = at.purpose.use is None
        for act in at.acts:
            found = self._grants(act, at)
            if found is not None:
                yield Reason("allow", found.clause, self.licence.id, found.text)
            elif undeclared and act in _USES:
                yield Reason("unknown", None, self.licence.id, f"It does not permit {_DEEDS[act]}; declare `use`.")
            else:
                yield Reason("unknown", None, self.licence.id, f"Nothing in it permits {_DEEDS[act]}.")


def rules_of(licence: Licence) -> Rules:
    """Return a licence ready to be asked."""
    return Rules(licence)


def _bound(rule: Permit | Rule | Duty, licence: Licence) -> _Bound:
    findings = Findings(licence.id, {})
    conditions = conditions_in(rule.when, (rule.clause,), findings)
    if findings.in_order():  # a condition that is left out would make a rule bite always, or a permit
        raise ConfigError(*findings.in_order())
    duty = None
    if isinstance(rule, Duty):
        duty = Obligation(rule.kind, rule.text, rule.clause, licence.id, rule.show)
    tested = tuple((_TESTS[one.subject], one) for one in conditions)
    return _Bound(tested, rule.clause, rule.text, rule.acts if isinstance(rule, Permit) else (), duty)


def _all(conditions: tuple[tuple[Test, Condition], ...], at: Circumstances) -> bool | None:
    """Say whether all conditions hold: False when one does not, None when that cannot be known."""
    unknown = False
    for test, condition in conditions:
        holds = test(condition, at)
        if holds is False:
            return False
        unknown = unknown or holds is None
    return None if unknown else True


def _of_use(condition: Condition, at: Circumstances) -> bool | None:
    use = at.purpose.use
    return None if use is None else use in condition.value


def _of_modality(condition: Condition, at: Circumstances) -> bool | None:
    return None if at.modalities is None else any(one in condition.value for one in at.modalities)


def _in_domain(condition: Condition, at: Circumstances) -> bool | None:
    if not at.domains.isdisjoint(condition.value):
        return True
    return None if at.strange else False


def _in_territory(condition: Condition, at: Circumstances) -> bool | None:
    declared: tuple[str, ...] = getattr(at.purpose, condition.subject)
    if not declared:
        return None
    inside = [_inside(one, condition.value) for one in declared]
    wanted = condition.test == "any"
    if wanted in inside:
        return True
    return None if None in inside else False


@lru_cache(maxsize=4096)
def _inside(territory: str, places: tuple[str, ...]) -> bool | None:
    return lies_in(territory, frozenset(places))


def _lacks_name(condition: Condition, at: Circumstances) -> bool:
    begins = condition.value.casefold()
    return any(not name.casefold().startswith(begins) for name in at.purpose.derived_model_name)


def _distributes(condition: Condition, at: Circumstances) -> bool | None:
    """Test whether a model that was trained on outputs is passed on: where outputs train one, that must be said."""
    purpose = at.purpose
    if purpose.distributes_derived is None and purpose.train_on_outputs:
        return None
    return _done(condition, at)


def _done(condition: Condition, at: Circumstances) -> bool:
    return bool(getattr(at.purpose, condition.subject)) is condition.value


def _over(condition: Condition, at: Circumstances) -> bool | None:
    """Test a threshold. One that is tested once, on the day `on`, is met or not by what was then: of the present number
    only a lower one tells anything, since hardly anybody loses hundreds of millions of users."""
    value = getattr(at.purpose, condition.subject)
    once = condition.on is not None and condition.subject == "monthly_active_users"
    if once and at.purpose.monthly_active_users_at_release is not None:
        value, once = at.purpose.monthly_active_users_at_release, False
    if value is None:
        return None
    over: bool = value > condition.value if condition.test == "above" else value >= condition.value
    return None if over and once and condition.on is not None and (at.on - condition.on).days > _MONTH else over


_MONTH: Final = 31

_TESTS: Final[Mapping[str, Test]] = {
    "use": _of_use,
    "modality": _of_modality,
    "domain": _in_domain,
    "territory": _in_territory,
    "end_user_territory": _in_territory,
    "monthly_active_users": _over,
    "annual_revenue_usd": _over,
    "derived_model_name": _lacks_name,
    **dict.fromkeys(ACTS, _done),
    "distributes_derived": _distributes,
}
"""What tests the conditions of each subject."""


def _lacking(condition: Condition, at: Circumstances) -> str:
    subject = condition.subject
    if subject == "modality":
        return "the card does not tell the modalities."
    if subject == "domain":
        return f'the domain "{", ".join(at.strange)}" is none that the limits were read against.'
    if subject == "monthly_active_users" and condition.on is not None and at.purpose.monthly_active_users is not None:
        return f"it was tested once, on {condition.on}; declare `monthly_active_users_at_release`."
    return f"declare `{subject}`."
