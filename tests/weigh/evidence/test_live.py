"""Evidence of live weighings: from their calls, which come along with what they cost and took."""

import random
from pathlib import Path
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from steelyard.core.errors import ConfigError
from steelyard.weigh.evidence.current import current_evidence
from steelyard.weigh.evidence.directory import against_folder
from steelyard.weigh.evidence.document import SIDES
from steelyard.weigh.evidence.hashing import hashed
from steelyard.weigh.evidence.kept import keep_evidence, kept_evidence
from steelyard.weigh.evidence.live import live_evidence
from steelyard.weigh.evidence.verify import verified
from steelyard.weigh.runs.call import Call
from tests.weigh.evidence.given import again, live_folder


def made(place: int, model: str, score: float | None, **other: Any) -> Call:
    told: dict[str, Any] = {
        "exchange": f"{model}-{place}", "status": 200, "output": "yes", "deployment": f"acme/{model}",
        "input_tokens": 10, "output_tokens": 2, "cost_usd": "0.0001" if model == "a" else "0.00001",
        "started_at": 1.0 + place, "took_s": 0.001 * (place + 1), "scorer": "exact(ignore_case)", "version": "1",
    }  # fmt: skip
    return Call(item=f"i{place}", model=model, repeat=0, score=score, **{**told, **other})


def right_and_wrong(n: int = 60) -> list[Call]:
    drawn = random.Random(3)
    return [made(place, model, float(drawn.random() < 0.7)) for place in range(n) for model in ("a", "b")]


def test_the_document_follows_from_the_calls(tmp_path: Path) -> None:
    folder = live_folder(tmp_path, right_and_wrong(), slices=("topic",))
    read = again(live_evidence(folder))
    assert verified(read).differences == ()
    checked = against_folder(read, folder)
    assert checked.differences == ()
    assert "the calls with the directory" in checked.compared
    evidence = read.evidence
    assert (evidence.kind, len(evidence.rows), len(evidence.calls)) == ("live", 60, 120)
    assert {call.exchange for call in evidence.calls if call.item == "i7"} == {"a-7", "b-7"}
    assert (evidence.items_sha256, evidence.prompt_sha256) == (folder.plan().items_sha256, "0" * 64)
    (scorer,) = evidence.models["baseline"].scorers
    assert (scorer.name, scorer.version, scorer.options) == ("exact", "1", {"ignore_case": True})


def test_costs_and_latencies_are_those_of_the_calls(tmp_path: Path) -> None:
    evidence = live_evidence(live_folder(tmp_path, right_and_wrong()))
    spent = evidence.models["baseline"].spending
    assert spent is not None
    assert (spent.calls, spent.answered, spent.unparsed, spent.cost_known) == (60, 60, 0, 60)
    assert (spent.cost_usd, spent.cost_usd_per_1000_items) == ("0.006", "0.1")
    assert (spent.input_tokens, spent.output_tokens) == (600, 120)
    assert spent.latency_median_s == pytest.approx(0.0305)
    assert spent.latency_p95_s == pytest.approx(0.05705)
    assert evidence.models["candidate"].spending != spent


def test_a_cost_that_is_unknown_makes_the_total_unknown(tmp_path: Path) -> None:
    calls = right_and_wrong()
    calls[0] = replace(calls[0], cost_usd=None, output_tokens=None)
    spent = live_evidence(live_folder(tmp_path, calls)).models["baseline"].spending
    assert spent is not None
    assert (spent.cost_usd, spent.cost_usd_per_1000_items, spent.cost_known) == (None, None, 59)
    assert (spent.input_tokens, spent.output_tokens) == (600, None)


def test_calls_that_were_refused_cost_nothing_and_those_made_again_cost_twice(tmp_path: Path) -> None:
    failed = made(0, "a", None, status=500, output=None, error="overloaded", cost_usd="0.5")
    refused = made(1, "b", None, status=429, output=None, error="too many", cost_usd=None)
    evidence = live_evidence(live_folder(tmp_path, [failed, refused, *right_and_wrong()]))
    assert verified(again(evidence)).differences == ()
    one, other = (evidence.models[side].spending for side in SIDES)
    assert one is not None
    assert other is not None
    assert (one.calls, one.counted, one.cost_usd) == (61, 60, "0.506")
    assert (other.calls, other.counted, other.cost_usd) == (61, 60, "0.0006")


def test_repeats_are_averaged_and_checked(tmp_path: Path) -> None:
    drawn = random.Random(5)
    calls = [
        replace(made(place, model, float(drawn.random() < 0.6)), repeat=repeat)
        for place in range(40)
        for model in ("a", "b")
        for repeat in range(3)
    ]
    read = again(live_evidence(live_folder(tmp_path, calls)))
    assert verified(read).differences == ()
    assert not read.document["outcomes"]["binary"]
    call = read.evidence.calls[4]
    assert call.score is not None
    other = (*read.evidence.calls[:4], replace(call, score=1 - call.score), *read.evidence.calls[5:])
    (found,) = verified(again(replace(read.evidence, calls=other))).differences
    assert found.path == f"$.rows[0].{call.side}"


def test_outputs_that_cannot_be_read_are_counted_apart(tmp_path: Path) -> None:
    calls = right_and_wrong()
    calls[2] = replace(calls[2], score=None, parsed=False)
    evidence = live_evidence(live_folder(tmp_path, calls))
    assert [evidence.models[side].unparsed for side in SIDES] == [1, 0]
    assert [(one.item, one.why, one.side) for one in evidence.left_out] == [("i1", "missing", "baseline")]


def test_calls_that_were_changed_differ_from_the_directory(tmp_path: Path) -> None:
    folder = live_folder(tmp_path, right_and_wrong())
    evidence = live_evidence(folder)
    cheap = tuple(replace(call, cost_usd="0") for call in evidence.calls)
    found = [one.path for one in against_folder(again(replace(evidence, calls=cheap)), folder).differences]
    assert found[0] == "$.calls[0].cost_usd"
    hidden = again(hashed(evidence))
    assert against_folder(hidden, folder).differences == ()


def test_a_document_is_kept_until_further_calls_come_back(tmp_path: Path) -> None:
    calls = right_and_wrong()
    folder = live_folder(tmp_path, calls[:100])
    first = current_evidence(folder)
    assert "incomplete" not in [flag.kind for flag in first.verdict.flags]
    keep_evidence(folder, replace(first, title="kept"))
    kept = kept_evidence(folder)
    assert kept is not None
    keep_evidence(folder, first)
    assert current_evidence(folder) == first
    with folder.appending("calls.jsonl") as file:
        file.append(replace(calls[99], score=1 - (calls[99].score or 0), started_at=99.0))
    assert current_evidence(folder) != first


def test_there_is_no_verdict_before_all_calls_are_made(tmp_path: Path) -> None:
    folder = live_folder(tmp_path, [*right_and_wrong(), replace(made(0, "a", 1.0), item="i60")])
    with pytest.raises(ConfigError, match=r"121 of 122 calls were made.*--resume 20261123-010203-abcd"):
        live_evidence(folder)


def test_nothing_is_reported_where_nothing_was_declared(tmp_path: Path) -> None:
    folder = live_folder(tmp_path, right_and_wrong())
    plan = replace(folder.plan(), declared=None)
    folder.write("plan.json", msgspec.json.encode(plan))
    with pytest.raises(ConfigError, match="no margin was declared before it ran"):
        live_evidence(folder)


def test_what_was_changed_on_disk_is_not_reported(tmp_path: Path) -> None:
    folder = live_folder(tmp_path, right_and_wrong())
    content = keep_evidence(folder, current_evidence(folder))
    folder.write("evidence.json", content.replace(b'"title":"items.jsonl"', b'"title":"approved"'))
    with pytest.raises(ConfigError, match="was changed since it was written"):
        current_evidence(folder)


@pytest.mark.parametrize("cost", ["much", "NaN", "Infinity", "1e999999", ""])
def test_a_cost_that_is_no_amount_is_told(tmp_path: Path, cost: str) -> None:
    evidence = live_evidence(live_folder(tmp_path, right_and_wrong()))
    odd = (replace(evidence.calls[0], cost_usd=cost), *evidence.calls[1:])
    (found,) = verified(again(replace(evidence, calls=odd))).differences
    assert found.path == "$.calls"
    assert "is no amount of dollars" in found.computed
