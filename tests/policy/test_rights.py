"""What may be done with outputs: of one model, by a label, of a data set of many models' outputs."""

from collections.abc import Iterable
from functools import cache
from typing import Any, get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from steelyard.catalog.cards import Card
from steelyard.catalog.catalogue import Catalogue
from steelyard.catalog.licences import Licence
from steelyard.catalog.purpose import Use
from steelyard.core.exchange import Outcome
from steelyard.policy.decide import Decider
from steelyard.policy.decision import Obligation, Reason
from steelyard.policy.outputs import DataSet, Output, data_set_of
from steelyard.policy.rights import GRANTS, STRICTNESS, Rights, Train, combined, label_of, objection, rights_of
from tests.policy.small import TODAY, YESTERDAY, as_duty, as_rule, card, claim, decider, licence, terms
from tests.support.catalogue import shipped_catalogue

NAMED = licence(
    "named", as_rule("2", train_on_outputs=True, use="commercial"), duties=[
        as_duty("name", "5", "Llama", train_on_outputs=True, distributes_derived=True), as_duty("policy", "6")],
)  # fmt: skip


def rights(one: Card | None, *licences: Licence, at: Any = None) -> Rights:
    found = decider(*([one] if one is not None else []), licences=licences)
    return rights_of(found, one, at)


# One model.


@cache
def shipped() -> Catalogue:
    return shipped_catalogue()


@pytest.mark.parametrize(
    ("model", "provider", "label"),
    [
        ("microsoft/phi-4", None, "train=yes"),
        ("meta-llama/Llama-3.1-8B-Instruct", None, "train=yes;name=Llama"),
        ("meta-llama/Meta-Llama-3-8B-Instruct", None, "train=no"),
        ("meta-llama/Llama-2-7b-chat-hf", None, "train=no"),
        ("Qwen/Qwen2.5-3B-Instruct", None, "train=research"),
        ("openai/gpt-4.1", "openai", "train=no"),
        ("microsoft/phi-4", "ollama", "train=yes"),
        ("microsoft/phi-4", "openai", "train=no"),
    ],
)
def test_a_real_model_s_outputs_carry_a_label(model: str, provider: str | None, label: str) -> None:
    known = shipped().named(model)
    assert known is not None
    found = rights_of(Decider(shipped(), TODAY), known, shipped().terms[provider] if provider else None)
    assert found.label == label
    assert found.reasons


def test_a_model_without_a_card_has_outputs_of_which_nothing_is_known() -> None:
    found = rights(None)
    assert (found.label, found.reasons[0].effect) == ("train=unknown", "unknown")


def test_what_is_barred_for_trade_alone_may_train_for_research_and_says_why() -> None:
    found = rights(card(licence="named"), NAMED)
    assert (found.train, found.names) == ("research", ("Llama",))
    assert {duty.kind for duty in found.duties} == {"name", "policy"}
    assert (found.reasons[0].effect, found.reasons[0].clause) == ("deny", "2")
    assert found.reasons[-1].effect == "allow"


def test_a_denial_cites_the_clauses_that_deny_and_no_others() -> None:
    found = rights(card(licence="l"), licence("l", as_rule("9", train_on_outputs=True), acts=["research"]))
    assert found.train == "no"
    assert [(reason.effect, reason.clause) for reason in found.reasons] == [("deny", "9")]


def test_what_is_no_longer_known_lets_no_output_train() -> None:
    assert rights(card(licence=claim("free", YESTERDAY))).label == "train=unknown"
    assert rights(card(), at=terms(terms=claim("free", YESTERDAY))).label == "train=unknown"


# Labels.

NAMES = st.lists(st.text(st.characters(codec="ascii", exclude_characters=";"), min_size=1), max_size=3, unique=True)


@given(st.sampled_from(get_args(Train)), NAMES)
def test_a_label_is_read_as_it_was_written(train: Train, names: list[str]) -> None:
    read = label_of(Rights(train, tuple(names)).label)
    assert (read.train, read.names) == (train, tuple(names))


STRANGE = ("", "train", "train=", "train=maybe", "train=yes;train=no", "name=Llama", "train=yes;name=", "train=yes;x=1")


@pytest.mark.parametrize("text", [*STRANGE, "yes", "train=yes;", "TRAIN=yes"])
def test_a_label_that_is_not_understood_allows_nothing(text: str) -> None:
    read = label_of(text)
    assert read.train == "unknown"
    assert "is not understood" in read.reasons[0].text


# Many together.


def test_the_strictest_counts_and_every_name_and_duty_is_owed() -> None:
    one = Rights("yes", ("Llama",), (Obligation("name", "Name it.", "5", "l", "Llama"),))
    other = Rights("research", (), (Obligation("policy", "Keep to it.", "6", "q"),))
    both = combined([one, other, one])
    assert (both.train, both.names) == ("research", ("Llama",))
    assert [duty.clause for duty in both.duties] == ["5", "6"]


def test_two_names_that_exclude_each_other_cannot_be_met() -> None:
    clash = combined([Rights("yes", ("Llama",)), Rights("yes", ("Gemma",))])
    assert (clash.train, clash.names) == ("no", ("Llama", "Gemma"))
    assert clash.reasons[0].text == 'No name begins with "Llama" and "Gemma" at once, as the licences demand.'
    assert combined([Rights("yes", ("Llama",)), Rights("unknown"), Rights("yes", ("Gemma",))]).train == "no"
    nested = combined([Rights("yes", ("Llama",)), Rights("yes", ("llama 3",))])
    assert (nested.train, nested.names) == ("yes", ("Llama", "llama 3"))


def test_of_nothing_nothing_is_known() -> None:
    assert combined([]).train == "unknown"


RIGHTS = st.builds(
    Rights,
    st.sampled_from(get_args(Train)),
    st.lists(st.sampled_from(["Llama", "Llama 3", "Gemma"]), max_size=2).map(tuple),
)


@settings(max_examples=50)
@given(st.lists(RIGHTS, min_size=1, max_size=4), RIGHTS)
def test_a_further_output_never_loosens_the_rights(several: list[Rights], more: Rights) -> None:
    assert STRICTNESS[combined([*several, more]).train] >= STRICTNESS[combined(several).train]
    assert combined([*several, *several]) == combined(several)
    assert combined([*several, more]).train == combined([more, *several]).train


@pytest.mark.parametrize("use", [None, *get_args(Use)])
@pytest.mark.parametrize("train", get_args(Train))
def test_what_is_granted_for_research_is_not_granted_for_trade(train: Train, use: Use | None) -> None:
    granted = train == "yes" or (train == "research" and use != "commercial")
    assert (objection(Rights(train), use) is None) is granted


@pytest.mark.parametrize(("name", "right"), [("Llama-x", True), ("llamarama", True), ("My-Llama", False), ("", False)])
def test_a_model_must_be_called_as_is_owed(name: str, right: bool) -> None:
    found = objection(Rights("yes", ("Llama",)), None, name)
    assert (found is None) is right
    assert objection(Rights("yes", ("Llama",))) is None, "no name was told"


# Data sets.

ALLOWED = Rights(
    "yes", ("Llama",), (Obligation("name", "Name it.", "5", "l", "Llama"),), (Reason("allow", "1", "l", "."),)
)
DENIED = Rights("no", reasons=(Reason("deny", "9", "l", "No."),))
UNKNOWN = Rights("unknown", reasons=(Reason("unknown", None, None, "Who knows."),))
TODAY_S = {"acme/llama": ALLOWED, "acme/closed": DENIED, "acme/gone": UNKNOWN}


def of(*outputs: Output) -> DataSet:
    return data_set_of(outputs, TODAY_S.__getitem__)


def ok(deployment: str | None, label: str | None = None, decision: str | None = None) -> Output:
    return Output(deployment, label, decision, 200, "ok")


def test_a_label_on_record_stands_when_what_was_known_has_expired() -> None:
    found = of(ok("acme/gone", "train=yes;name=Gone"))
    assert (found.rights.train, found.rights.names) == ("yes", ("Gone",))
    assert 'On record it says "train=yes;name=Gone"; by what is known today it would be "train=unknown".' in [
        reason.text for reason in found.rights.reasons
    ]


def test_a_clause_that_is_known_today_makes_a_label_stricter() -> None:
    found = of(ok("acme/closed", "train=yes"))
    assert (found.rights.train, found.rights.reasons) == ("no", DENIED.reasons)


@pytest.mark.parametrize("label", ["train=no", "train=unknown", "train=research", "nonsense"])
def test_a_label_on_record_is_never_loosened(label: str) -> None:
    assert of(ok("acme/llama", label)).rights.train == label_of(label).train


def test_an_older_record_without_a_label_is_worked_out_anew() -> None:
    found = of(ok("acme/llama"), ok("acme/llama"))
    assert (found.exchanges, found.counted, found.rights) == (2, 2, ALLOWED)
    assert of(ok("acme/closed")).rights == DENIED
    assert of(ok("acme/gone")).rights == UNKNOWN


def test_names_that_are_owed_today_are_owed_for_what_is_on_record_too() -> None:
    found = of(ok("acme/llama", "train=yes"))
    assert (found.rights.train, found.rights.names) == ("yes", ("Llama",))
    assert [duty.clause for duty in found.rights.duties] == ["5"]


def test_who_answered_must_be_on_record() -> None:
    assert of(ok(None)).rights.train == "unknown"
    assert of(ok(None, "train=yes")).rights.train == "yes"


@pytest.mark.parametrize("decision", ["deny", "unknown"])
def test_an_answer_that_was_not_allowed_may_train_nothing(decision: str) -> None:
    assert of(ok("acme/llama", "train=yes", decision)).rights.train == "unknown"
    assert of(ok("acme/llama", "train=yes", "duties")).rights.train == "yes"


@pytest.mark.parametrize("outcome", get_args(Outcome))
def test_a_call_that_brought_nothing_is_not_counted(outcome: Outcome) -> None:
    found = of(Output("acme/closed", None, None, 200, outcome), ok("acme/llama"))
    counts = outcome not in ("rejected", "refused", "status")
    assert (found.exchanges, found.counted) == (2, 1 + counts)
    assert found.rights.train == ("no" if counts else "yes")


def test_a_call_that_ended_in_an_error_s_status_is_not_counted() -> None:
    found = of(Output("acme/closed", None, None, 504, "timeout"), ok("acme/llama"))
    assert (found.counted, found.rights.train) == (1, "yes")
    assert of(Output("acme/closed")).counted == 1, "what is not known is counted"


def test_each_deployment_has_one_share_the_strictest_first() -> None:
    found = of(
        ok("acme/llama"), ok("acme/closed"), ok("acme/llama", "train=research"), ok("acme/llama", "train=yes"),
        ok("acme/gone"),
    )  # fmt: skip
    assert [(one.deployment, one.exchanges, one.rights.train) for one in found.shares] == [
        ("acme/closed", 1, "no"),
        ("acme/gone", 1, "unknown"),
        ("acme/llama", 3, "research"),
    ]
    assert (found.rights.train, found.rights.reasons, found.rights.duties) == ("no", DENIED.reasons, ())


def test_what_is_not_known_of_one_output_hides_no_clash_of_others() -> None:
    clash = [ok("acme/gone", "train=yes;name=Gemma"), ok("acme/llama")]
    assert of(*clash).rights.train == "no"
    assert of(*clash, ok("acme/gone")).rights.train == "no"


def test_a_data_set_of_nothing_may_train_nothing() -> None:
    assert (of().exchanges, of().rights.train in GRANTS) == (0, False)


OUTPUTS = st.lists(
    st.builds(
        Output,
        st.sampled_from([None, *TODAY_S]),
        st.sampled_from([None, "train=yes", "train=research", "train=no", "train=yes;name=Gemma"]),
        st.sampled_from([None, "allow", "deny"]),
        st.sampled_from([None, 200, 500]),
        st.sampled_from([None, "ok", "rejected"]),
    ),
    max_size=5,
)


@settings(max_examples=50)
@given(OUTPUTS, OUTPUTS)
def test_a_larger_data_set_is_never_freer(some: list[Output], more: list[Output]) -> None:
    def strictness(outputs: Iterable[Output]) -> int:
        return STRICTNESS[of(*outputs).rights.train]

    if of(*some).counted:
        assert strictness([*some, *more]) >= strictness(some)
    assert strictness([*some, *more]) == strictness([*more, *some])
