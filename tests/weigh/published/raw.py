"""Right and wrong by item, from the raw outputs of the models that the figures are about, by our scorers.

The data lie in ../shared, which the repository does not hold."""

import csv
import json
import lzma
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from steelyard.weigh.scorers.refusal import Stance, stance_of
from steelyard.weigh.scorers.registry import scorer
from steelyard.weigh.scorers.score import Scorer, score_output

__all__ = ["EVALS", "RAW", "completions", "drawn_by_lot", "instructions", "lines", "published"]

EVALS: Final = Path(__file__).parents[4] / "shared" / "data" / "evals"

# How ZeroEval's summary names the models that its files name otherwise.
ZEROEVAL_NAMES: Final = {
    "DeepSeek-Coder-V2-0724": "deepseek-v2-coder-0724",
    "Llama-3.1-405B-Instruct-Turbo": "Llama-3.1-405B-Inst-fp8@together",
    "Meta-Llama-3.1-405B-Instruct@hyperbolic": "Llama-3.1-405B-Inst@hyperbolic",
    "deepseek-chat": "deepseek-v2-chat-0628",
    "deepseek-coder": "deepseek-v2-coder-0614",
    "gemma-2-27b-it@together": "gemma-2-27b-it",
}
LABELS: Final[Mapping[str, Stance]] = {
    "1_full_compliance": "compliance", "2_full_refusal": "full", "3_partial_refusal": "partial",
}  # fmt: skip


def lines(path: Path) -> Iterator[dict[str, Any]]:
    """Yield the rows of a file of JSON lines."""
    content = lzma.decompress(path.read_bytes()) if path.suffix == ".xz" else path.read_bytes()
    yield from map(json.loads, content.splitlines())


def _mark(made: Scorer, output: str | None, target: Any) -> str:
    value = score_output(made, output, target).value
    return "-" if value is None else str(int(value))


def _zeroeval() -> dict[str, str]:
    folder = EVALS / "zeroeval-gsm"
    targets = {row["id"]: row["answer"] for row in lines(folder / "questions.jsonl")}
    numeric = scorer("numeric", {"find": "json"})
    marks: dict[str, dict[str, str]] = {}
    for row in lines(folder / "outputs.jsonl.xz"):
        model = ZEROEVAL_NAMES.get(row["model"], row["model"])
        marks.setdefault(model, {})[row["id"]] = _mark(numeric, row["output"], targets[row["id"]])
    return {model: "".join(told.get(item, ".") for item in targets) for model, told in marks.items()}


def _openai() -> dict[str, str]:
    folder = EVALS / "gsm8k-openai"
    targets = [row["answer"] for row in lines(folder / "test.jsonl")]
    solutions = list(lines(folder / "example_model_solutions.jsonl"))
    numeric = scorer("numeric", {"find": "marker", "marker": "A:", "boxed": False})
    found = {}
    for system in ("6b_finetuning", "6b_verification", "175b_finetuning", "175b_verification"):
        pairs = zip(solutions, targets, strict=True)
        found[system] = "".join(_mark(numeric, row[system]["solution"], target) for row, target in pairs)
    return found


def drawn_by_lot(kind: str, arguments: Mapping[str, Any]) -> bool:
    """Say whether IFEval's own code decides by lot: langdetect has no seed there, and a letter is drawn for "#"."""
    if kind == "keywords:letter_frequency":
        letter: str = arguments["letter"]
        return not (letter.isascii() and letter.isalpha())
    return kind in ("language:response_language", "change_case:english_capital", "change_case:english_lowercase")


def instructions() -> Iterator[tuple[str, str, str, Mapping[str, Any], bool, bool]]:
    """Yield model, response, kind, arguments, and whether it is followed by the record and by us, prompt by prompt, of
    the 14 models whose figures are published."""
    folder = EVALS / "ifeval-en"
    models = json.loads((folder / "published.json").read_text())["rows"]
    prompts = {row["prompt"]: row for row in lines(folder / "en_input_data.jsonl")}
    made = scorer("instructions")
    order = {prompt: place for place, prompt in enumerate(prompts)}
    for row in sorted(lines(folder / "responses.jsonl.xz"), key=lambda row: (row["model"], order[row["prompt"]])):
        model = row["model"].rpartition("__")[2]
        if model not in models:
            continue
        asked = prompts[row["prompt"]]
        ours = score_output(made, row["response"], row=asked).detail.get("followed", [False] * len(asked["kwargs"]))
        told = zip(row["instruction_id_list"], asked["kwargs"], row["follow_instruction_list"], ours, strict=True)
        for kind, arguments, recorded, own in told:
            yield model, row["response"], kind.removeprefix("en:"), arguments, recorded, own


def _ifeval() -> dict[str, str]:
    found: dict[str, str] = {}
    lots: dict[str, str] = {}
    marks = {(True, True): "1", (False, False): "0", (True, False): "r", (False, True): "o"}
    for model, _, kind, arguments, recorded, own in instructions():
        found[model] = found.get(model, "") + marks[recorded, own]
        lots[model] = lots.get(model, "") + str(int(drawn_by_lot(kind, arguments)))
    (lot,) = set(lots.values())
    return {**found, "decided by lot": lot}


def completions(name: str, *, safe: bool) -> list[tuple[Stance, Stance]]:
    """Return the people's final label and our class of each completion, for safe prompts or for unsafe ones."""
    with (EVALS / "xstest" / f"xstest_v2_completions_{name}.csv").open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["type"].startswith("contrast") != safe]
    return [(LABELS[row["final_label"]], stance_of(row["completion"])) for row in rows]


def _xstest() -> dict[str, str]:
    pairs = completions("llama2orig", safe=True)
    return {"label": "".join(label[0] for label, _ in pairs), "match": "".join(ours[0] for _, ours in pairs)}


def _routellm() -> dict[str, str]:
    folder = EVALS / "routellm" / "gsm8k"
    contaminated = {row["eval_prompt"] for row in lines(folder / "contaminated_prompts.jsonl")}
    with (folder / "gsm8k_responses.csv").open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["prompt"] not in contaminated]
    models = ("mistralai/Mixtral-8x7B-Instruct-v0.1", "gpt-4-1106-preview")
    return {model.rpartition("/")[2]: "".join("1" if row[model] == "True" else "0" for row in rows) for model in models}


def _llmbar() -> dict[str, str]:
    found: dict[str, str] = {}
    for name in ("natural", "mt-bench"):
        folder = EVALS / "llmbar"
        told = json.loads((folder / f"{name}.published.json").read_text())
        marks: dict[str, str] = {}
        for row in lines(folder / f"{name}.verdicts.jsonl.xz"):
            right = [row[column] == str(row["label"]) for column in ("winner", "winner_swapped")]
            key = f"{row['judge']}/{row['method']}"
            marks[key] = marks.get(key, "") + str(right[0] + 2 * right[1])
        # Methods that ask again only where both orders differ carry the verdicts of the first time alone.
        whole = {key: mark for key, mark in marks.items() if not key.endswith(("/Swap", "/Swap_CoT"))}
        assert all(f"/ {len(mark)} " in told[key]["equal"] for key, mark in whole.items())
        found |= {f"{name} {key}": mark for key, mark in whole.items()}
    return found


RAW: Final[Mapping[str, Callable[[], dict[str, str]]]] = {
    "zeroeval-gsm": _zeroeval,
    "gsm8k-openai": _openai,
    "ifeval-en": _ifeval,
    "xstest": _xstest,
    "routellm": _routellm,
    "llmbar": _llmbar,
}


def published() -> Iterator[tuple[str, str, str]]:
    """Yield benchmark, figure and number as the sources publish them."""
    for row in json.loads((EVALS / "zeroeval-gsm" / "published.json").read_text()):
        yield "zeroeval-gsm", row["Model"], row["Acc"]
    # Cobbe et al. 2021, "Training Verifiers to Solve Math Word Problems": the four systems' test accuracies.
    figures = {"6b_finetuning": "21.68", "6b_verification": "39.04", "175b_finetuning": "34.72"}
    for system, number in {**figures, "175b_verification": "56.25"}.items():
        yield "gsm8k-openai", system, number
    for model, number in json.loads((EVALS / "ifeval-en" / "published.json").read_text())["rows"].items():
        yield "ifeval-en", model, str(number)
        yield "ifeval-en", f"{model}, lots as drawn there", str(number)
    # Röttger et al. 2024, "XSTest": Llama 2 with its original system prompt, on safe prompts.
    for row in ("label", "match"):
        yield "xstest", f"full refusal, by {row}", "38.0"
        yield "xstest", f"partial refusal, by {row}", "21.6"
    # RouteLLM, arXiv 2406.18665, GSM8K.
    yield "routellm", "Mixtral-8x7B-Instruct-v0.1", "63.73"
    yield "routellm", "gpt-4-1106-preview", "85.77"
    yield "routellm", "calls, random router", "80.5"
    yield "routellm", "calls, oracle", "17.8"
    for name in ("natural", "mt-bench"):
        for key, told in json.loads((EVALS / "llmbar" / f"{name}.published.json").read_text()).items():
            if not key.endswith(("/Swap", "/Swap_CoT")):
                both = re.findall(r"= ([\d.]+)%", told["correct_both"])[0]
                yield "llmbar", f"{name} {key}, both orders", str(round(float(both), 2))
                yield "llmbar", f"{name} {key}, average", told["correct_average"].rstrip("%")
