"""What the cards of two models, and the terms of who serves them, say on a day: licence, openness, residency."""

from collections.abc import Sequence
from datetime import date

from steelyard.catalog.cards import Card, digest
from steelyard.catalog.openness.licence_book import book_of
from steelyard.catalog.openness.of_card import level_of
from steelyard.catalog.terms import Terms
from steelyard.core.loose import JsonValue
from steelyard.policy.known import Known
from steelyard.weigh.evidence.document import Evidence, ModelFacts, Side

__all__ = ["facts_of", "names_of"]


def names_of(evidence: Evidence, side: Side) -> list[str]:
    """Return who answered for a side: the deployments of its calls, or the model's own name."""
    served = dict.fromkeys(call.deployment for call in evidence.calls if call.side == side and call.deployment)
    return list(served) or [evidence.models[side].name]


def facts_of(names: Sequence[str], served: bool, known: Known, on: date) -> tuple[ModelFacts, ...]:
    """Return what is known of models by name. `served`: they are deployments, whose providers are known too.

    Raises ConfigError where the configuration names a card that is not there."""
    return tuple(_facts(name, served, known, on) for name in names)


def _facts(name: str, served: bool, known: Known, on: date) -> ModelFacts:
    card = known.card(name) if served else known.catalogue.card(name)
    terms = known.terms_at(name) if served and "/" in name else None
    level = None if card is None else level_of(card, on, book_of(known.catalogue.licences))
    regions = _claimed(terms, "regions", on)
    return ModelFacts(
        name=name,
        on=on.isoformat(),
        card=None if card is None else card.model,
        card_sha256=None if card is None else digest(card),
        developer=_text(card, "developer", on),
        licence=_text(card, "licence", on),
        openness=level,
        weights_published=None if card is None else card.yes("weights_published", on),
        provider=None if terms is None else terms.provider,
        provider_terms=_claimed(terms, "terms", on),
        self_hosted=_claimed(terms, "self_hosted", on),
        regions=None if regions is None else tuple(regions),
        retention_days=_claimed(terms, "retention_days", on),
        trains_on_inputs=_claimed(terms, "trains_on_inputs", on),
    )


def _text(card: Card | None, name: str, on: date) -> str | None:
    return None if card is None else card.text(name, on)


def _claimed(terms: Terms | None, name: str, on: date) -> JsonValue:
    claim = None if terms is None else terms.claim(name, on)
    return None if claim is None else claim.value
