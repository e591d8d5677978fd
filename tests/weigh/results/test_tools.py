"""What other tools record is read as they mean it."""

import json
import math
import zipfile
from pathlib import Path

import pytest

from steelyard.weigh.results.flags import flags_of
from steelyard.weigh.results.read import read_results
from tests.weigh.results.given import RECORDED, alpaca, evals_log, jsonl, lm_eval, mistakes, pairs_of, promptfoo, scores

INSPECT = [str(RECORDED / f"inspect-{name}.eval") for name in ("alpha", "beta")]
MOCKS = {"baseline": "mockllm/alpha", "candidate": "mockllm/beta"}
"""Logs that Inspect 0.3.285 wrote: 12 samples, 2 epochs, two scorers; its own accuracies are 0.75 and 0.667."""


CAPITALS = {"baseline": "assistant", "candidate": "small"}
"""Logs of twelve capitals, written by the tools when they were run against a gateway (docs/guides/other-tools.md):
`assistant` was SmolLM2-135M, `small` a server that answers with the request."""


def _capitals(tool: str) -> list[str]:
    if tool == "inspect":
        return [str(RECORDED / f"capitals-{name}.eval") for name in ("assistant", "small")]
    if tool == "lm-eval":
        return sorted(str(file) for file in (RECORDED / "lm-eval").rglob("samples_*.jsonl"))
    return [str(RECORDED / "promptfoo.json")]


@pytest.mark.parametrize(
    ("tool", "reported", "item"),
    [
        # The accuracies that the tools themselves reported.
        ("inspect", (0.8333333333333334, 0.0), "capitals:de"),
        ("lm-eval", (0.8333333333333334, 0.0), "capitals:0"),
        ("promptfoo", (2 / 3, 0.0), "0"),
    ],
)
def test_what_a_real_run_reported_comes_out(tool: str, reported: tuple[float, float], item: str) -> None:
    pairs = pairs_of(*_capitals(tool), slices=("continent",), **CAPITALS)
    assert (pairs.baseline.mean(), pairs.candidate.mean()) == pytest.approx(reported)
    assert pairs.item(0) == item
    assert [one.value for one in pairs.slices] == ["Africa", "Asia", "Europe"]


@pytest.mark.parametrize("tool", ["inspect", "lm-eval", "promptfoo"])
def test_of_a_real_run_the_outputs_are_known(tool: str) -> None:
    pairs = pairs_of(*_capitals(tool), **CAPITALS)
    (told,) = (flag for flag in flags_of(pairs, failing=False, listed=0) if flag.kind == "length")
    assert told.text.startswith("Outputs of small are ")
    said = pairs.sides[0].column("output", pairs.places[0])
    assert said is not None
    assert any(text.startswith("The capital of Norway is Oslo") for text in said.said())


def test_real_samples_of_lm_eval_say_by_what_they_were_scored() -> None:
    pairs = pairs_of(*_capitals("lm-eval"), **CAPITALS)
    scorer = pairs.sides[0].column("scorer", pairs.places[0])
    assert scorer is not None
    assert set(scorer.said()) == {"exact_match,last-name, task version 1.0, lm_eval 0.4.13"}


def test_results_of_lm_eval_under_another_name_still_name_the_model(tmp_path: Path) -> None:
    # `--output_path mine.json` writes mine_DATE.json and the samples beside it, with no directory of the model's name.
    for file in (RECORDED / "lm-eval" / "assistant").iterdir():
        (tmp_path / file.name.replace("results_", "mine_")).write_bytes(file.read_bytes())
    (samples,) = tmp_path.glob("samples_*")
    assert read_results([str(samples)]).models == ["assistant"]


def test_a_run_of_inspect_that_failed_is_flagged_and_without_scores_refused(tmp_path: Path) -> None:
    failed = str(RECORDED / "capitals-failed.eval")
    assert mistakes(failed, **CAPITALS)[0] == f"{failed}: it holds no scores"
    one = _inspect(tmp_path / "a.eval", ["C", "I"], status="cancelled")
    other = _inspect(tmp_path / "b.eval", ["C", "I"])
    (flag,) = read_results([one, other]).flags
    assert (flag.kind, flag.text) == (
        "incomplete", f'{one}: the run did not end well (status "cancelled"): samples may be missing.'
    )  # fmt: skip


def test_inspects_archives_give_the_accuracy_that_inspect_reports() -> None:
    pairs = pairs_of(*INSPECT, score="match", **MOCKS)
    assert (pairs.baseline.mean(), pairs.candidate.mean()) == (pytest.approx(0.75), pytest.approx(2 / 3))
    assert len(pairs) == 12
    assert scores(pairs)[0][0] == "sums:sum-1"
    assert [side.repeats for side in pairs.sides] == [12, 12]


def test_inspects_metadata_are_columns() -> None:
    pairs = pairs_of(*INSPECT, score="match", slices=("language",), **MOCKS)
    assert [(one.value, len(one.rows)) for one in pairs.slices] == [("de", 6), ("en", 6)]


def test_of_inspects_scorers_one_must_be_chosen() -> None:
    assert mistakes(*INSPECT, **MOCKS)[0].endswith("it holds several scores: choose one by --score: match, includes")
    assert 'no score is called "matsch"; did you mean "match"?' in mistakes(*INSPECT, score="matsch", **MOCKS)[0]


def _inspect(
    path: Path,
    values: list[object],
    names: tuple[str, ...] = ("header.json", "summaries.json"),
    status: str = "success",
) -> str:
    """Write an archive of an older Inspect: deflated, and here its parts under other names."""
    samples = [
        {"id": n, "epoch": 1, "scores": {"s": {"value": v}} if v is not None else {}} for n, v in enumerate(values)
    ]
    head = {"version": 2, "status": status, "eval": {"task": "t", "model": path.stem}}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(names[0], json.dumps(head))
        if names[1].startswith("samples/"):
            for sample in samples:
                archive.writestr(f"samples/{sample['id']}_epoch_1.json", json.dumps(sample))
        else:
            archive.writestr(names[1], json.dumps(samples))
    return str(path)


def test_inspects_letters_and_words_are_scores_and_a_failed_sample_has_none(tmp_path: Path) -> None:
    one = _inspect(tmp_path / "a.eval", ["C", "I", "P", "N", "yes", 0.25, True, None])
    other = _inspect(tmp_path / "b.eval", [1, 1, 1, 1, 1, 1, 1, 1])
    assert [first for _, first, _ in scores(pairs_of(one, other))] == [1.0, 0.0, 0.5, 0.0, 1.0, 0.25, 1.0]
    assert scores(pairs_of(one, other, missing="fail"))[-1] == ("t:7", 0.0, 1.0)


def test_a_score_of_inspects_that_is_no_number_is_missing(tmp_path: Path) -> None:
    one, other = _inspect(tmp_path / "a.eval", [1, math.nan]), _inspect(tmp_path / "b.eval", [1, 1])
    assert scores(pairs_of(one, other)) == [("t:0", 1.0, 1.0)]
    assert scores(pairs_of(one, other, missing="fail")) == [("t:0", 1.0, 1.0), ("t:1", 0.0, 1.0)]


@pytest.mark.parametrize(
    "names",
    [
        ("_journal/start.json", "_journal/summaries/1.json"),
        ("start.json", "summary.json"),
        ("start.json", "samples/"),
    ],
)
def test_logs_of_older_inspects_and_of_runs_that_were_killed_are_read(tmp_path: Path, names: tuple[str, str]) -> None:
    one, other = (_inspect(tmp_path / f"{name}.eval", ["C", "I"], names) for name in "ab")
    assert scores(pairs_of(one, other)) == [("t:0", 1.0, 1.0), ("t:1", 0.0, 0.0)]


def test_inspects_scorers_with_several_values_are_several_scores(tmp_path: Path) -> None:
    files = [_inspect(tmp_path / f"{name}.eval", [{"near": 0.5, "exact": 1}, {"near": 1, "exact": 0}]) for name in "ab"]
    assert mistakes(*files)[0].endswith("choose one by --score: s.near, s.exact")
    assert scores(pairs_of(*files, score="s.near")) == [("t:0", 0.5, 0.5), ("t:1", 1.0, 1.0)]


def test_inspects_json_logs_are_read(tmp_path: Path) -> None:
    files = []
    for name in "ab":
        log = {
            "version": 2,
            "status": "success",
            "eval": {"task": "t", "model": name, "packages": {"inspect_ai": "0.3.285"}},
            "samples": [{"id": "s1", "epoch": 1, "input": "?", "scores": {"match": {"value": "C"}}}],
        }
        file = tmp_path / f"{name}.json"
        file.write_text(json.dumps(log, indent=2), encoding="utf-8")
        files.append(str(file))
    assert scores(pairs_of(*files)) == [("t:s1", 1.0, 1.0)]


def test_an_archive_of_something_else_is_told_so(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.eval", "w") as archive:
        archive.writestr("readme.txt", "hello")
    assert "an archive, but no log of Inspect" in mistakes(str(tmp_path / "a.eval"))[0]


def test_a_damaged_archive_is_told_so(tmp_path: Path) -> None:
    whole = Path(INSPECT[0]).read_bytes()
    frames = [at for at in range(len(whole)) if whole.startswith(b"\x28\xb5\x2f\xfd", at)]
    for damage in (40, 200):
        content = bytearray(whole)
        content[frames[-1] + damage] ^= 0xFF
        (tmp_path / "a.eval").write_bytes(content)
        (told,) = mistakes(str(tmp_path / "a.eval"), score="match", **MOCKS)
        assert told.startswith(f"{tmp_path / 'a.eval'}: summaries.json ")


def test_lm_evals_samples_are_read_by_metric_and_filter(tmp_path: Path) -> None:
    one = lm_eval(tmp_path, "org/one", [True, True, False])
    other = lm_eval(tmp_path, "org/two", [True, False, True])
    asked = {"baseline": "org/one", "candidate": "org/two"}
    told = mistakes(one, other, **asked)
    assert told[0].endswith("choose one by --score: exact_match,strict-match, exact_match,flexible-extract")
    pairs = pairs_of(one, other, score="exact_match,strict-match", slices=("topic",), **asked)
    assert scores(pairs) == [("gsm8k:0", 1.0, 1.0), ("gsm8k:1", 1.0, 0.0), ("gsm8k:2", 0.0, 1.0)]
    assert [one.value for one in pairs.slices] == ["t0", "t1"]


def test_lm_evals_model_is_that_of_the_directory_where_nothing_else_names_it(tmp_path: Path) -> None:
    file = Path(lm_eval(tmp_path, "org/one", [True]))
    next(file.parent.glob("results_*")).unlink()
    assert read_results([str(file)], None, "exact_match,strict-match").models == ["org/one"]
    assert read_results([f"mine={file}"], None, "exact_match,strict-match").models == ["mine"]


def test_what_lm_eval_says_of_its_run_is_read_though_a_figure_of_it_is_no_number(tmp_path: Path) -> None:
    file = Path(lm_eval(tmp_path, "org/one", [True]))
    beside = next(file.parent.glob("results_*"))
    beside.write_text(json.dumps({"model_name": "org/two", "results": {"gsm8k": {"exact_match_stderr": math.nan}}}))
    assert read_results([str(file)], None, "exact_match,strict-match").models == ["org/two"]


def test_promptfoos_providers_are_models_and_a_failed_call_has_no_score(tmp_path: Path) -> None:
    file = promptfoo(tmp_path / "out.json", {"a": [True, False, None, True], "b": [True, True, True, False]})
    assert scores(pairs_of(file)) == [("0", 1.0, 1.0), ("1", 0.0, 1.0), ("3", 1.0, 0.0)]
    assert [one for _, one, _ in scores(pairs_of(file, score="style"))] == [0.5, 0.25, 0.5]
    assert 'no score is called "stile"; did you mean "style"?' in mistakes(file, score="stile")[0]


def test_promptfoos_tests_with_the_same_variables_are_runs(tmp_path: Path) -> None:
    outcomes = {"a": [True, False], "b": [True, True]}
    pairs = pairs_of(promptfoo(tmp_path / "out.json", outcomes, vars={"topic": "the same"}))
    assert scores(pairs) == [("0", 0.5, 1.0)]


def test_promptfoos_lines_are_read(tmp_path: Path) -> None:
    whole = json.loads(Path(promptfoo(tmp_path / "out.json", {"a": [True], "b": [False]})).read_text())
    assert scores(pairs_of(jsonl(tmp_path / "out.jsonl", whole["results"]["results"]))) == [("0", 1.0, 0.0)]


def test_real_annotations_of_alpaca_eval_give_the_win_rate_that_it_reports() -> None:
    # AlpacaEval 0.6.6 with a judge behind a gateway: 60.00 for the five annotations that it could read, of six.
    pairs = pairs_of(str(RECORDED / "alpaca-eval.json"), slices=("dataset",), baseline="small", candidate="assistant")
    assert (len(pairs), pairs.candidate.mean()) == (5, pytest.approx(0.6))
    assert [side.missing for side in pairs.sides] == [1, 1]
    scorer = pairs.sides[0].column("scorer", pairs.places[0])
    assert scorer is not None
    assert set(scorer.said()) == {"judge, alpaca_eval==0.6.6"}


def test_alpaca_evals_preferences_are_shares_of_a_win(tmp_path: Path) -> None:
    pairs = pairs_of(alpaca(tmp_path / "annotations.json", [1, 2, 1.5, 0, 1.25, None]), slices=("dataset",))
    assert [(one, other) for _, one, other in scores(pairs)] == [(1, 0), (0, 1), (0.5, 0.5), (0.5, 0.5), (0.75, 0.25)]
    assert all(block.judged for side in pairs.sides for block in side.blocks)
    assert [one.value for one in pairs.slices] == ["helpful_base", "koala"]


@pytest.mark.parametrize("preference", [3, 0.5, -1, "second"])
def test_a_preference_that_is_none_is_told_so(tmp_path: Path, preference: object) -> None:
    file = alpaca(tmp_path / "annotations.json", [1, preference])  # type: ignore[list-item]
    assert mistakes(file)[0].startswith(f"{file}: entry 2: the preference {preference!r} is none")


def test_a_real_log_of_openais_evals_is_read() -> None:
    # evals 3.0.1 with its `Includes`, run against a gateway whose route gpt-3.5-turbo was SmolLM2-135M.
    one, other = (str(RECORDED / f"openai-evals-{name}.jsonl") for name in ("assistant", "small"))
    pairs = pairs_of(one, other, baseline="gpt-3.5-turbo", candidate="gpt-4")
    assert (pairs.baseline.mean(), pairs.candidate.mean()) == pytest.approx((8 / 12, 0))
    said = pairs.sides[0].column("output", pairs.places[0])
    assert said is not None
    right = [
        score for text, score in zip(said.said(), pairs.baseline, strict=True) if "Paris" in text or "Barcelona" in text
    ]
    assert sorted(right) == [0.0, 1.0]
    assert "length" in {flag.kind for flag in flags_of(pairs, failing=False, listed=0)}


def test_openai_evals_matches_are_scores_and_an_error_has_none(tmp_path: Path) -> None:
    one = evals_log(tmp_path / "one.jsonl", "a", [True, False, None])
    other = evals_log(tmp_path / "two.jsonl", "b", [True, True, True])
    assert scores(pairs_of(one, other)) == [("arithmetic.dev.0", 1.0, 1.0), ("arithmetic.dev.1", 0.0, 1.0)]
    assert scores(pairs_of(one, other, missing="fail"))[-1] == ("arithmetic.dev.2", 0.0, 1.0)


def test_openai_evals_metrics_are_chosen_by_name(tmp_path: Path) -> None:
    files = []
    for model in "ab":
        rows: list[dict[str, object]] = [{"spec": {"completion_fns": [model], "eval_name": "e"}}]
        rows += [{"sample_id": "s1", "event_id": 0, "type": "metrics", "data": {"f1": 0.5, "bleu": 0.25, "text": "x"}}]
        files.append(jsonl(tmp_path / f"{model}.jsonl", rows))
    assert mistakes(*files)[0].endswith("choose one by --score: f1, bleu")
    assert scores(pairs_of(*files, score="bleu")) == [("s1", 0.25, 0.25)]


def test_openai_evals_second_score_of_a_sample_is_told_with_its_line(tmp_path: Path) -> None:
    rows: list[dict[str, object]] = [{"spec": {"completion_fns": ["a"], "eval_name": "e"}}]
    rows += [{"sample_id": "s1", "event_id": n, "type": "match", "data": {"correct": bool(n)}} for n in range(2)]
    file = jsonl(tmp_path / "a.jsonl", rows)
    assert mistakes(file) == (f"{file}:3: sample s1 has a second score, True, after False",)
