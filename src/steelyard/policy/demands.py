"""What a purpose demands of a card and of a provider: openness, compute, quality, and what becomes of inputs. Pure."""

from collections.abc import Callable, Iterator, Mapping
from datetime import date
from typing import Final

from steelyard.catalog.cards import Card
from steelyard.catalog.claims import Claim
from steelyard.catalog.purpose import Openness, Purpose, quality_of
from steelyard.catalog.terms import Terms
from steelyard.catalog.territories import lies_in
from steelyard.policy.decision import Reason, Verdict, worst

__all__ = ["is_self_hosted", "of_card", "of_provider"]

_MET: Final = Verdict("allow")
_LADDER: Final[tuple[Openness, ...]] = ("closed", "open-weight", "mof3", "mof2", "mof1")


def of_card(purpose: Purpose, card: Card, openness: Callable[[Card, date], Openness | None], on: date) -> Verdict:
    """Return whether a card meets the demands: a claim that is not there, or has expired, meets none."""
    found = list(_of_card(purpose, card, openness, on))
    return worst(tuple(found)) if found else _MET


def _of_card(
    purpose: Purpose, card: Card, openness: Callable[[Card, date], Openness | None], on: date
) -> Iterator[Verdict]:
    wanted = purpose.min_openness
    if wanted is not None and wanted != "closed":
        yield from _of_openness(wanted, card, openness(card, on), on)
    most = purpose.max_compute_flop
    if most is not None:
        span = card.span("compute_flop", on)
        if span is None or span[0] <= most < span[1]:
            told = "is not known" if span is None else f"lies between {span[0]:.2g} and {span[1]:.2g} FLOP"
            text = f"The training compute of {card.model} {told}; at most {most:.2g} FLOP is demanded."
            yield _unknown(text, *_stale(card.claim("compute_flop"), on))
        elif span[0] > most:
            yield _denied(f"{card.model} was trained with {span[0]:.2g} FLOP or more; {most:.2g} is the most allowed.")
    for demand in purpose.min_quality:
        yield from _of_quality(demand, card, on)


def _of_openness(wanted: Openness, card: Card, level: Openness | None, on: date) -> Iterator[Verdict]:
    told = _of_weights(card, on)
    # One that has expired allows nothing, but neither is it gone: what it denied, another alone does not allow.
    if len(standing := {published for published, stands in told if stands}) == 2 or (
        standing == {True} and (False, False) in told
    ):
        text = f"The card of {card.model} says of its weights that they are published, and that they are not."
        yield _unknown(text, "contradictory", *(() if len(standing) == 2 else ("stale",)))
    elif level is None:
        text = f"How open {card.model} is, is not known; {wanted} is demanded."
        yield _unknown(text, *_stale(card.claim("weights_published"), on))
    elif _LADDER.index(level) < _LADDER.index(wanted):
        yield _denied(f"{card.model} is {level}; {wanted} is demanded.")


def _of_weights(card: Card, on: date) -> set[tuple[bool, bool]]:
    """Return what a card says of its weights: whether they are published, and whether that stands on that day."""
    claim, weights = card.claims.get("weights_published"), card.components.get("final-parameters")
    told = {(claim.value is True, claim.stands(on))} if claim is not None else set()
    if weights is not None:
        told.add((weights.published, weights.expires is None or on <= weights.expires))
    return told


def _of_quality(demand: str, card: Card, on: date) -> Iterator[Verdict]:
    read = quality_of(demand)
    if read is None:
        yield _unknown(f'The demand "{demand}" is not understood; write it like "MMLU >= 0.7".')
        return
    name, bound_will_do, least = read
    told = [one for one in card.evaluations if one.name.casefold() == name]
    results = [one.value for one in told if one.expires is None or on <= one.expires]
    # A card may carry several results of one benchmark, measured in other ways: the worst one counts. One that has
    # expired allows nothing, but neither is it gone: what it denied, the others alone do not allow.
    fails = [one for one in told if not (one.value > least or (one.value == least and bound_will_do))]
    if not results:
        flags = ("stale",) if told else ()
        yield _unknown(f"The card of {card.model} has no such result; {demand} is demanded.", *flags)
    elif any(one.expires is None or on <= one.expires for one in fails):
        yield _denied(f"The card of {card.model} has {min(results):g}; {demand} is demanded.")
    elif fails:
        lowest = min(one.value for one in fails)
        yield _unknown(f"The card of {card.model} had {lowest:g}, which has expired; {demand} is demanded.", "stale")


def is_self_hosted(terms: Terms | None, on: date) -> bool | None:
    """Say whether a provider is the user's own machine; None where that is not known."""
    claim = terms.claim("self_hosted", on) if terms is not None else None
    return None if claim is None else bool(claim.value)


def of_provider(purpose: Purpose, terms: Terms | None, on: date) -> Verdict:
    """Return whether what is known of a provider meets the demands."""
    if is_self_hosted(terms, on):
        return _MET
    found = list(_of_provider(purpose, terms, on))
    return worst(tuple(found)) if found else _MET


def _of_provider(purpose: Purpose, terms: Terms | None, on: date) -> Iterator[Verdict]:
    who = f'Provider "{terms.provider}"' if terms is not None else "A provider that is not named"
    said: Mapping[str, Claim] = terms.claims if terms is not None else {}
    if purpose.self_hosted_only:
        # Whom terms of a service bind asks it of a machine of somebody else's.
        if is_self_hosted(terms, on) is None and "terms" not in said:
            text = f"{who}: whether it is a machine of yours is not known; `self_hosted_only` is demanded."
            yield _unknown(text, *_stale(said.get("self_hosted"), on))
        else:
            yield _denied(f"{who} is no machine of yours; `self_hosted_only` is demanded.")
    if purpose.region:
        yield from _of_region(purpose, said.get("regions"), who, on)
    if purpose.max_retention_days is not None:
        claim, most = said.get("retention_days"), purpose.max_retention_days
        if claim is None or not claim.stands(on):
            text = f"{who}: how long it keeps inputs is not known; at most {most:g} days are demanded."
            yield _unknown(text, *_stale(claim, on))
        elif claim.value > most:
            yield _denied(f"{who} keeps inputs for {claim.value:g} days; at most {most:g} are demanded.", claim.source)
    if purpose.allow_provider_training is False:
        claim = said.get("trains_on_inputs")
        if claim is None or not claim.stands(on):
            yield _unknown(f"{who}: whether it trains on inputs is not known, and it may not.", *_stale(claim, on))
        elif claim.value:
            yield _denied(f"{who} trains on inputs, and it may not.", claim.source)


def _of_region(purpose: Purpose, claim: Claim | None, who: str, on: date) -> Iterator[Verdict]:
    wanted = ", ".join(purpose.region)
    if claim is None or not claim.stands(on) or not claim.value:
        text = f"{who}: where it deals with inputs is not known; {wanted} is demanded."
        yield _unknown(text, *_stale(claim, on))
        return
    outside = [one for one in claim.value if not any(_within(one.lower(), region) for region in purpose.region)]
    if outside:
        yield _denied(f"{who} deals with inputs in {', '.join(outside)}; {wanted} is demanded.", claim.source)


def _stale(claim: Claim | None, on: date) -> tuple[str, ...]:
    """Return the flag of what was known, and is not any more."""
    return ("stale",) if claim is not None and not claim.stands(on) else ()


def _within(region: str, wanted: str) -> bool:
    """Say whether a provider's region lies in what is demanded: `eu-fr` and `eu-central-1` in `eu`, `de` in `eu`."""
    if region == wanted:
        return True
    head, _, rest = region.partition("-")
    if wanted == "eu" and rest and head in ("eu", "europe"):
        country = rest.partition("-")[0]
        return region not in _BESIDE_THE_UNION and (len(country) != 2 or _lies_in(country, wanted))
    if head == wanted:
        return True
    return _lies_in(rest if rest and head == "eu" else head, wanted)


def _lies_in(country: str, wanted: str) -> bool:
    return len(country) == 2 and lies_in(country, frozenset({wanted.upper()})) is True


_BESIDE_THE_UNION: Final = frozenset({"eu-west-2", "eu-central-2", "europe-west2", "europe-west6"})
"""Clouds' regions that are called European and lie in London and Zürich: of Amazon's, then of Google's. Sources:
https://docs.aws.amazon.com/solutions/latest/automated-security-response-on-aws/supported-aws-regions.html,
https://cloud.google.com/about/locations."""


def _unknown(text: str, *flags: str) -> Verdict:
    return Verdict("unknown", (Reason("unknown", None, None, text),), (), flags)


def _denied(text: str, source: str | None = None) -> Verdict:
    return Verdict("deny", (Reason("deny", source, None, text),))
