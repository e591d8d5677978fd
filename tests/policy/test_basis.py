"""What decisions are made from, kept and verified; decisions made again from it; and what is another since."""

import json
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any, get_args

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from steelyard.catalog.cards import Card, Evaluation, digest
from steelyard.catalog.catalogue import Catalogue
from steelyard.catalog.purpose import Openness, Purpose
from steelyard.core.errors import StoreError
from steelyard.policy.basis import Bases, Basis, basis_digest
from steelyard.policy.decide import Decider
from steelyard.policy.decision import recorded
from steelyard.policy.replay import changes, differences, replayed
from tests.policy.small import FREE, NC, SOURCE, TODAY, as_rule, card, claim, decider, licence, purpose, terms
from tests.support.catalogue import shipped_catalogue

ASKED = purpose("use=research")


def kept(tmp_path: Path, *cards: Card) -> tuple[Bases, str, Path]:
    """Keep the basis of a decision on the first card; return where, its digest, and its file."""
    found = decider(*cards)
    decision = found.decide(ASKED, cards[0], None)
    bases = Bases(tmp_path)
    bases.keep(decision.basis_sha256, found.basis(ASKED, cards[0], None))
    return bases, decision.basis_sha256, tmp_path / "policy" / f"{decision.basis_sha256}.json"


def test_a_basis_holds_the_whole_family_and_every_licence_that_binds() -> None:
    child = card("o/child", "sa", base_model="o/parent")
    basis = decider(child, card("o/parent", "nc"), card("o/stranger")).basis(ASKED, child, terms(terms="free"))
    assert [one.model for one in basis.forebears] == ["o/parent"]
    assert [one.id for one in basis.licences] == ["sa", "nc", "free"]


def test_a_basis_is_kept_under_its_digest_for_its_owner_alone(tmp_path: Path) -> None:
    bases, name, path = kept(tmp_path, card("o/a", base_model="o/b"), card("o/b"))
    assert path.parent.stat().st_mode & 0o777 == 0o700
    basis = bases.get(name)
    assert basis.card is not None
    assert (basis.on, basis.purpose, basis.card.model) == (TODAY, ASKED, "o/a")
    assert basis_digest(basis) == name


def test_a_basis_is_written_once(tmp_path: Path) -> None:
    bases, name, path = kept(tmp_path, card())
    path.write_bytes(b"{}")
    bases.keep(name, decider(card()).basis(ASKED, card(), None))
    assert path.read_bytes() == b"{}"
    assert [one.name for one in path.parent.iterdir()] == [path.name]


def test_a_basis_that_is_gone_is_named(tmp_path: Path) -> None:
    bases, name, path = kept(tmp_path, card())
    path.unlink()
    with pytest.raises(StoreError, match=rf"{name}\.json is gone: .* Restore it from a backup\."):
        bases.get(name)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"{}", b'{"on": 3}', b"\xff\xfe", b"null"])
def test_a_basis_that_cannot_be_read_is_damaged(tmp_path: Path, content: bytes) -> None:
    bases, name, path = kept(tmp_path, card())
    path.write_bytes(content)
    with pytest.raises(StoreError, match="is damaged: "):
        bases.get(name)


@pytest.mark.parametrize(
    "changed",
    [
        {"on": "2020-01-01"},
        {"purpose": {"use": "commercial"}},
        {"card": {"model": "o/other"}},
        {"card": None},
        {"licences": []},
        {"forebears": [{"model": "o/x"}]},
    ],
)
def test_a_basis_that_was_changed_is_not_what_its_name_says(tmp_path: Path, changed: dict[str, Any]) -> None:
    bases, name, path = kept(tmp_path, card())
    path.write_text(json.dumps({**json.loads(path.read_bytes()), **changed}))
    with pytest.raises(StoreError, match="its digest is another"):
        bases.get(name)


@pytest.mark.parametrize("name", ["", "../ledger", "a" * 63, "A" * 64, "/etc/passwd"])
def test_what_is_no_digest_leads_to_no_file(tmp_path: Path, name: str) -> None:
    with pytest.raises(StoreError, match="is no digest"):
        Bases(tmp_path).get(name)


def test_a_basis_that_cannot_be_written_says_where(tmp_path: Path) -> None:
    (tmp_path / "policy").write_text("a file")
    with pytest.raises(StoreError, match=r"policy/.* cannot be written: "):
        Bases(tmp_path).keep("0" * 64, decider(card()).basis(ASKED, card(), None))


# A decision is the same when it is made again from its basis alone, whatever the card, the provider and the purpose.


@cache
def shipped() -> Catalogue:
    return shipped_catalogue()


@cache
def shipped_decider() -> Decider:
    return Decider(shipped(), TODAY)


PURPOSES = st.builds(
    Purpose,
    use=st.none() | st.sampled_from(["commercial", "research"]),
    monthly_active_users=st.none() | st.sampled_from([1000.0, 1e9]),
    territory=st.sampled_from([(), ("US",), ("DE",)]),
    train_on_outputs=st.none() | st.booleans(),
    modifies_weights=st.none() | st.booleans(),
    redistributes_weights=st.none() | st.booleans(),
    region=st.sampled_from([(), ("eu",)]),
    min_openness=st.none() | st.sampled_from(get_args(Openness)),
    max_compute_flop=st.none() | st.just(1e25),
    min_quality=st.sampled_from([(), ("MMLU >= 0.7",)]),
)


@settings(max_examples=50, deadline=None)
@given(
    PURPOSES,
    st.none() | st.deferred(lambda: st.sampled_from(sorted(shipped().cards))),
    st.none() | st.deferred(lambda: st.sampled_from(sorted(shipped().terms))),
)
def test_a_decision_made_again_from_its_basis_is_the_same(
    asked: Purpose, model: str | None, provider: str | None
) -> None:
    one = shipped().named(model) if model else None
    at = shipped().terms[provider] if provider else None
    decision = shipped_decider().decide(asked, one, at, "acme/model")
    basis = msgspec.json.decode(msgspec.json.encode(shipped_decider().basis(asked, one, at)), type=Basis)
    again = replayed(basis, "acme/model")
    assert again == decision
    assert differences(recorded(decision, "shop"), again) == ()


@pytest.mark.parametrize("level", get_args(Openness))
def test_openness_is_judged_alike_by_the_licences_of_a_basis_alone(level: str) -> None:
    asked = purpose("use=research", min_openness=level)
    for one in shipped().cards.values():
        if one.components:
            decision = shipped_decider().decide(asked, one, None)
            assert replayed(shipped_decider().basis(asked, one, None), "x").decision == decision.decision, one.model


def test_a_whole_family_is_replayed_with_those_who_do_not_bind() -> None:
    family = (
        card("acme/two", developer="Acme", base_model=["acme/one", "o/teacher"]),
        card("acme/one", "nc", developer="Acme"),
        card("o/teacher", "teaching", base_model="o/older"),
        card("o/older", "free", base_model_relation="distilled", base_model="o/oldest"),
        card("o/oldest", "teaching"),
    )
    teaching = licence("teaching", as_rule(use="commercial"), distilled_is_derivative=False)
    found = decider(*family, licences=[teaching])
    asked = purpose("use=research")
    decision = found.decide(asked, family[0], None)
    again = replayed(found.basis(asked, family[0], None), "x")
    assert (again, again.decision) == (decision, "allow")


# What differs, and what has changed.


def test_a_decision_on_record_that_does_not_follow_is_told() -> None:
    found = decider(card())
    decision = found.decide(ASKED, card(), None)
    then = structs.replace(recorded(decision, "lab"), decision="deny", card_sha256="0" * 64, duties=(("x", "y", "z"),))
    told = {one.what: (one.then, one.now) for one in differences(then, decision)}
    assert told == {
        "decision": ("deny", "allow"),
        "card_sha256": ("0" * 64, decision.card_sha256),
        "duties": ((("x", "y", "z"),), ()),
    }


def changed(then: Basis, **fields: Any) -> dict[str, tuple[Any, Any]]:
    return {one.what: (one.then, one.now) for one in changes(then, structs.replace(then, **fields))}


def test_each_thing_that_has_changed_is_named_with_what_it_was() -> None:
    own = structs.replace(card("o/a", base_model="o/b"), evaluations=(Evaluation("MMLU", 0.5, SOURCE, TODAY),))
    then = decider(own, card("o/b")).basis(ASKED, own, terms(terms="free", retention_days=30))
    assert changed(then) == {}
    assert changed(then, purpose=purpose("use=commercial")) == {"purpose: use": ("research", "commercial")}
    assert changed(then, card=card("o/a", "nc", base_model="o/b")) == {
        "card: licence": ("free", "nc"),
        "card: evaluations": (["MMLU: 0.5"], []),
    }
    assert changed(then, card=None) == {"card": ("o/a", None)}
    assert changed(then, forebears=()) == {"forebear o/b": ("o/b", None)}
    assert changed(then, forebears=(card("o/b", "nc"),)) == {"forebear o/b: licence": ("free", "nc")}
    assert changed(then, terms=None) == {"terms: terms": ("free", None), "terms: retention_days": (30, None)}
    assert changed(then, licences=(NC,)) == {"licence: free": (digest(FREE), None), "licence: nc": (None, digest(NC))}


def test_when_a_claim_was_looked_up_changes_nothing_and_until_when_it_stands_does() -> None:
    then = decider(card()).basis(ASKED, card(), None)
    again = structs.replace(card(), claims={name: claim(one.value) for name, one in card().claims.items()})
    later = {name: structs.replace(one, retrieved=date(2026, 11, 21)) for name, one in again.claims.items()}
    assert changed(then, card=structs.replace(again, claims=later)) == {}
    limited = card(licence=claim("free", date(2027, 1, 1)))
    assert changed(then, card=limited) == {"card: licence": ("free", "free (until 2027-01-01)")}
