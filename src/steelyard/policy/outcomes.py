"""Outcomes without reasons, for many deployments and many purposes: what compiling plans needs.

They are those of `Decider.verdict`. Cards whose licences and lineage come to the same are asked about once.
"""

from collections.abc import Iterable
from typing import Any, Final

from msgspec import Struct

from steelyard.catalog.cards import Card
from steelyard.catalog.purpose import Purpose
from steelyard.catalog.terms import Terms
from steelyard.policy.decide import Decider
from steelyard.policy.decision import ORDER, Outcome
from steelyard.policy.demands import of_provider
from steelyard.policy.rules import Circumstances, circumstances_of

__all__ = ["Outcomes", "Place", "PurposeOutcomes"]


_Choices = tuple[tuple[str, ...], ...]
_Demands = tuple[object, ...]
_OUTCOMES: Final[tuple[Outcome, ...]] = tuple(sorted(ORDER, key=lambda one: ORDER[one]))
_UNKNOWN: Final = ORDER["unknown"]


class _Bond(Struct, frozen=True):
    """The licences of a card or of a forebear (`policy.standing.Standing.choices`), and the modalities of the model
    that is asked for where one of these licences asks for them."""

    choices: _Choices
    modalities: tuple[str, ...] | None


class _Kin(Struct, frozen=True):
    """What cards have in common that are decided alike: whether their lineage is known, and what binds."""

    known: bool
    bonds: frozenset[_Bond]


class Place(Struct, frozen=True):
    """A model at a provider. `kin` is what the outcome goes by beside the terms; None where the model has no card
    (`card` is None), or is asked of its own developer, so that no licence binds."""

    card: Card | None
    terms: Terms
    kin: _Kin | None


class Outcomes:
    """The outcomes of one decider, by purpose. They are worked out as numbers: places in `policy.decision.ORDER`."""

    def __init__(self, decider: Decider) -> None:
        self.decider = decider
        self._kin: dict[int, _Kin] = {}
        self._alike: dict[_Kin | _Bond, Any] = {}
        self._of: dict[Purpose, PurposeOutcomes] = {}
        self._by_demands: dict[_Demands, dict[int, int]] = {}

    def of(self, purpose: Purpose) -> "PurposeOutcomes":
        """Return the outcomes for a purpose; ask once for many deployments."""
        known = self._of.get(purpose)
        if known is None:
            known = self._of[purpose] = PurposeOutcomes(self, purpose)
        return known

    def place(self, card: Card | None, terms: Terms) -> Place:
        """Return a model at a provider, ready to be asked for. A provider has the same terms in every place."""
        if card is None or self.decider.is_the_developers(card, terms):
            return Place(card, terms, None)
        return Place(card, terms, self._kin_for(card))

    def _kin_for(self, card: Card) -> _Kin:
        """Return what the card's outcomes go by: the same object for cards that are decided alike."""
        known = self._kin.get(id(card))
        if known is None:
            made = self._kin_of(card)
            known = self._kin[id(card)] = self._alike.setdefault(made, made)
        return known

    def _kin_of(self, card: Card) -> _Kin:
        bonds = self.decider.plain_bonds(card)
        several = (bonds.own, *(standing for _, standing in bonds.inherited))
        known = all(ORDER[one.outcome] < _UNKNOWN for one in bonds.found)
        return _Kin(known, frozenset(self._bond(one.choices, bonds.modalities) for one in several))

    def _bond(self, choices: _Choices, modalities: tuple[str, ...] | None) -> _Bond:
        rules = (self.decider.rules(one) for choice in choices for one in choice)
        asked = any(one is not None and one.asks_modality for one in rules)
        made = _Bond(choices, modalities if asked else None)
        same: _Bond = self._alike.setdefault(made, made)
        return same

    def by_demands(self, purpose: Purpose) -> dict[int, int] | None:
        """Return what is known of how cards meet what a purpose demands of them, for all purposes that demand the same;
        None for one that demands nothing of cards."""
        demands = (purpose.min_openness, purpose.max_compute_flop, purpose.min_quality)
        return None if demands == (None, None, ()) else self._by_demands.setdefault(demands, {})


class PurposeOutcomes:
    """The outcomes for one purpose."""

    __slots__ = ("_all", "_at", "_by_bond", "_by_demands", "_by_kin", "_by_licence", "_by_provider", "_purpose")

    def __init__(self, every: Outcomes, purpose: Purpose) -> None:
        self._all = every
        self._purpose = purpose
        self._by_demands = every.by_demands(purpose)
        self._by_provider: dict[str, int] = {}
        # By identity, which is quickly compared: `Outcomes` holds them.
        self._by_kin: dict[int, int] = {}
        self._by_bond: dict[int, int] = {}
        self._by_licence: dict[tuple[str, tuple[str, ...] | None], int] = {}
        self._at: dict[tuple[str, ...] | None, tuple[Circumstances, ...]] = {}

    def of(self, places: Iterable[Place]) -> list[Outcome]:
        """Return the outcome for each model at its provider."""
        by_provider, by_kin, demanded = self._by_provider, self._by_kin, self._by_demands
        found = []
        for place in places:
            provider, kin = place.terms.provider, place.kin
            rank = by_provider.get(provider)
            if rank is None:
                rank = by_provider[provider] = self._of_terms(place.terms)
            if kin is not None:
                bound = by_kin.get(id(kin))
                if bound is None:
                    bound = by_kin[id(kin)] = self._of_kin(kin)
                if bound > rank:
                    rank = bound
            if place.card is None:
                rank = max(rank, _UNKNOWN)
            elif demanded is not None:
                rank = max(rank, self._of_demands(place.card, demanded))
            found.append(_OUTCOMES[rank])
        return found

    def _of_demands(self, card: Card, met: dict[int, int]) -> int:
        rank = met.get(id(card))
        if rank is None:
            rank = met[id(card)] = ORDER[self._all.decider.of_demands(self._purpose, card).outcome]
        return rank

    def _of_terms(self, terms: Terms) -> int:
        decider = self._all.decider
        rank = ORDER[of_provider(self._purpose, terms, decider.on).outcome]
        bond = decider.bond(terms)
        if bond is None:
            return rank
        return max(rank, self._of_licence(bond, None) if isinstance(bond, str) else ORDER[bond.outcome])

    def _of_kin(self, kin: _Kin) -> int:
        worst = 0 if kin.known else _UNKNOWN
        by_bond = self._by_bond
        for bond in kin.bonds:
            rank = by_bond.get(id(bond))
            if rank is None:
                rank = by_bond[id(bond)] = self._of_bond(bond)
            if rank > worst:
                worst = rank
        return worst

    def _of_bond(self, bond: _Bond) -> int:
        """Return the most lenient of the licences that a licensee may choose from."""
        choices = (max(self._of_licence(one, bond.modalities) for one in choice) for choice in bond.choices)
        return min(choices, default=_UNKNOWN)

    def _of_licence(self, licence: str, modalities: tuple[str, ...] | None) -> int:
        rules = self._all.decider.rules(licence)
        if rules is None:
            return _UNKNOWN
        key = (licence, modalities if rules.asks_modality else None)
        rank = self._by_licence.get(key)
        if rank is None:
            rank = self._by_licence[key] = max(ORDER[rules.outcome(at)] for at in self._circumstances(key[1]))
        return rank

    def _circumstances(self, modalities: tuple[str, ...] | None) -> tuple[Circumstances, ...]:
        at = self._at.get(modalities)
        if at is None:
            at = self._at[modalities] = circumstances_of(self._purpose, modalities, self._all.decider.on)
        return at
