"""decide(purpose, card, provider) → allow, duties, deny or unknown, with every reason and its clause. Pure.

A card's licence binds, and those of every model that it was made from: the strictest of the chain counts. Then the
provider's terms, unless it is the caller's own machine, and what the purpose demands. What is unknown fails closed.
"""

from collections.abc import Iterator
from datetime import date

from msgspec import Struct, structs

from steelyard.catalog.cards import Card, digest
from steelyard.catalog.catalogue import Catalogue
from steelyard.catalog.purpose import Openness, Purpose
from steelyard.catalog.terms import Terms
from steelyard.policy.basis import Basis, basis_digest
from steelyard.policy.bonds import Bonds, bonds_of, not_known
from steelyard.policy.decision import ORDER, Decision, Reason, Verdict, permits, worst
from steelyard.policy.demands import is_self_hosted, of_card, of_provider
from steelyard.policy.laundering import exceeded
from steelyard.policy.openness import openness_by
from steelyard.policy.rules import Rules, circumstances_of
from steelyard.policy.standing import Standing, choices_in, standing_of

__all__ = ["Decider"]


class Decider:
    """Decides by one catalogue, as on one day. It keeps what it has found, so that many decisions cost little."""

    def __init__(self, catalogue: Catalogue, on: date) -> None:
        self.catalogue = catalogue
        self.on = on
        self._openness = openness_by(catalogue)
        self._licences: dict[int, tuple[str, ...]] = {}
        self._levels: dict[int, Openness | None] = {}
        self._rules: dict[str, Rules] = {}
        # By identity: a local file may call itself what the catalogue calls another model. `Bonds` holds its card.
        self._bonds: dict[int, Bonds] = {}
        self._plain_bonds: dict[int, Bonds] = {}
        self._said: dict[tuple[str, Purpose, tuple[str, ...] | None], Verdict] = {}
        self._of_model: dict[tuple[int, Purpose], Verdict] = {}
        self._of_terms: dict[tuple[str, Purpose], Verdict] = {}
        self._exceeded: dict[tuple[object, ...], Reason | None] = {}
        self._digests: dict[int, tuple[Struct, str]] = {}

    def decide(self, purpose: Purpose, card: Card | None, terms: Terms | None, what: str = "this model") -> Decision:
        """Return the decision on a card's model at a provider. `what` names a model that has no card."""
        verdict = self.verdict(purpose, card, terms, what)
        return Decision(
            decision=verdict.outcome,
            reasons=verdict.reasons,
            duties=verdict.duties if permits(verdict.outcome) else (),
            flags=verdict.flags,
            card_sha256=self.digest(card) if card is not None else None,
            terms_sha256=self.digest(terms) if terms is not None else None,
            purpose_sha256=self.digest(purpose),
            basis_sha256=self.basis_digest(self.basis(purpose, card, terms)),
        )

    def verdict(self, purpose: Purpose, card: Card | None, terms: Terms | None, what: str = "this model") -> Verdict:
        """Return the verdict alone."""
        said = [self.of_terms(purpose, terms)]
        if card is None:
            reason = Reason("unknown", None, None, f"No card describes {what}: nothing is known of it.")
            said.append(Verdict("unknown", (reason,), (), ("no-card",)))
        elif self.is_the_developers(card, terms):
            said.append(self.of_demands(purpose, card))
        else:
            said.append(self.of_model(purpose, card))
        return worst(tuple(said))

    def is_the_developers(self, card: Card, terms: Terms | None) -> bool:
        """Say whether a model is asked of its own developer: its terms bind then, and no licence of the weights."""
        claim = terms.claim("developer", self.on) if terms is not None and card.vouched else None
        return claim is not None and claim.value == card.text("developer", self.on)

    def basis(self, purpose: Purpose, card: Card | None, terms: Terms | None) -> Basis:
        """Return everything that a decision is made from."""
        licences: list[str] = []
        forebears: tuple[Card, ...] = ()
        if card is not None:
            bonds = self.bonds(card)
            forebears = bonds.forebears
            licences += self._named(card)
        claim = terms.claim("terms") if terms is not None else None
        if claim is not None:
            licences.append(str(claim.value))
        known = self.catalogue.licences
        bound = tuple(known[one] for one in dict.fromkeys(licences) if one in known)
        return Basis(on=self.on, purpose=purpose, card=card, forebears=forebears, terms=terms, licences=bound)

    def _named(self, card: Card) -> tuple[str, ...]:
        """Return every licence that a card and its forebears name, for themselves or a component, whether it binds or
        not: what each of them says is part of the decision."""
        known = self._licences.get(id(card))
        if known is None:
            several = (card, *self.bonds(card).forebears)
            found = [one for each in several for one in standing_of(each, self.catalogue, self.on).ids]
            texts = (part.licence for each in several for part in each.components.values() if part.licence is not None)
            found += [one for text in texts for choice in choices_in(self.catalogue, text) for one in choice]
            known = self._licences[id(card)] = tuple(dict.fromkeys(found))
        return known

    def basis_digest(self, basis: Basis) -> str:
        """Return a basis's digest."""
        return basis_digest(basis, self.digest)

    def digest(self, value: Struct) -> str:
        """Return a value's digest; it is worked out once."""
        known = self._digests.get(id(value))
        if known is None or known[0] is not value:
            known = self._digests[id(value)] = (value, digest(value))
        return known[1]

    # The model: its licences, and what is demanded of it.

    def bonds(self, card: Card) -> Bonds:
        """Return what binds whoever uses a card's model, and whether the card claims more."""
        known = self._bonds.get(id(card))
        if known is None:
            plain = self.plain_bonds(card)
            known = structs.replace(plain, found=(*plain.found, *self._laundering(plain)))
            self._bonds[id(card)] = known
        return known

    def plain_bonds(self, card: Card) -> Bonds:
        """Return what binds whoever uses a card's model: all that outcomes go by, since laundering is only told of."""
        known = self._plain_bonds.get(id(card))
        if known is None:
            known = self._plain_bonds[id(card)] = bonds_of(card, self.catalogue, self.on)
        return known

    def of_model(self, purpose: Purpose, card: Card) -> Verdict:
        """Return what a card's licences, those of its forebears, and the demands on it say."""
        bonds = self.bonds(card)
        key = (id(card), purpose)
        known = self._of_model.get(key)
        if known is None:
            said = [*bonds.found, self._of_standing(purpose, bonds.own, bonds.modalities)]
            said += [self._of_standing(purpose, standing, bonds.modalities) for _, standing in bonds.inherited]
            said.append(self.of_demands(purpose, card))
            known = self._of_model[key] = worst(tuple(said))
        return known

    def of_demands(self, purpose: Purpose, card: Card) -> Verdict:
        """Return what is demanded of a card, whatever its licences say."""
        self.plain_bonds(card)  # they hold the card, so that nothing else gets its id
        return of_card(purpose, card, self._level, self.on)

    def _level(self, card: Card, on: date) -> Openness | None:
        if id(card) not in self._levels:
            self._levels[id(card)] = self._openness(card, on)
        return self._levels[id(card)]

    def of_terms(self, purpose: Purpose, terms: Terms | None) -> Verdict:
        """Return what a provider's terms say, and what is demanded of it."""
        key = (terms.provider if terms is not None else "", purpose)
        known = self._of_terms.get(key)
        if known is None:
            said = [of_provider(purpose, terms, self.on)]
            bond = self.bond(terms)
            if bond is not None:
                said.append(self._of_licence(purpose, bond, None) if isinstance(bond, str) else bond)
            known = self._of_terms[key] = worst(tuple(said))
        return known

    def bond(self, terms: Terms | None) -> str | Verdict | None:
        """Return the id of the terms that bind a provider's customer; a verdict where they are not known, None on the
        customer's own machine."""
        if terms is None or is_self_hosted(terms, self.on):
            return None
        claim = terms.claim("terms")
        who = f'the terms of provider "{terms.provider}"'
        if claim is None:
            return not_known(f"Nothing is known of {who}.", "unknown-terms")
        if not claim.stands(self.on):
            return not_known(f"What is known of {who} expired on {claim.expires}.", "stale")
        return str(claim.value)

    def _of_standing(self, purpose: Purpose, standing: Standing, modalities: tuple[str, ...] | None) -> Verdict:
        """Return the verdict of the most lenient choice: that one, a licensee would choose."""
        choices = [
            worst(tuple(self._of_licence(purpose, licence, modalities) for licence in choice))
            for choice in standing.choices
        ]
        if not choices:
            return not_known(standing.because or "The licence is not known.", *standing.flags)
        return min(choices, key=lambda verdict: ORDER[verdict.outcome])

    def _of_licence(self, purpose: Purpose, licence: str, modalities: tuple[str, ...] | None) -> Verdict:
        key = (licence, purpose, modalities)
        known = self._said.get(key)
        if known is None:
            rules = self.rules(licence)
            if rules is None:
                known = not_known(f'No licence is called "{licence}" in the catalogue.', "unknown-licence")
            else:
                known = worst(tuple(rules.verdict(at) for at in circumstances_of(purpose, modalities, self.on)))
            self._said[key] = known
        return known

    def rules(self, licence: str) -> Rules | None:
        """Return a licence ready to be asked; None when the catalogue has none of this name."""
        known = self._rules.get(licence)
        if known is None and licence in self.catalogue.licences:
            known = self._rules[licence] = Rules(self.catalogue.licences[licence])
        return known

    # Laundering: a card that says more than its forebears allow.

    def _laundering(self, bonds: Bonds) -> Iterator[Verdict]:
        if not bonds.own.choices:
            return
        for parent, standing in bonds.inherited:
            if not standing.choices or standing.choices == bonds.own.choices:
                continue
            key = (bonds.own.choices, standing.choices, bonds.modalities)
            if key not in self._exceeded:
                self._exceeded[key] = self._exceeded_by(bonds, standing)
            found = self._exceeded[key]
            if found is not None:
                text = (
                    f"The card of {bonds.card.model} says {' or '.join(bonds.own.ids)}, which allows more than "
                    f"{parent.model}, that it was made from. It is treated as {parent.model} allows."
                )
                yield Verdict("allow", (Reason("allow", found.clause, found.licence, text),), (), ("laundering",))

    def _exceeded_by(self, bonds: Bonds, standing: Standing) -> Reason | None:
        """Return what a forebear's licences say against what the card's own allow. Modalities that are not known tell
        no two licences apart."""
        modalities = bonds.modalities or ()
        return exceeded(
            lambda purpose: self._of_standing(purpose, bonds.own, modalities),
            lambda purpose: self._of_standing(purpose, standing, modalities),
        )
