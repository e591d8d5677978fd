"""What is to be known of judged answers before anything said of them counts."""

from collections import Counter
from collections.abc import Sequence
from typing import Final

from steelyard.weigh.judges.answers import Answers
from steelyard.weigh.judges.figures import JudgeFigures
from steelyard.weigh.judges.told import tells_judge
from steelyard.weigh.judging.orders import Position
from steelyard.weigh.labels.opinions import Opinions
from steelyard.weigh.results.sheet import Flag

__all__ = ["answer_flags", "judge_flags", "label_flags"]

_NEARLY_ALL: Final = 0.9
_MUCH_LONGER: Final = 2.0
_OFTEN_UNREAD: Final = 0.05
_BIASED: Final = 0.1


def answer_flags(answers: Answers, models: Sequence[str]) -> list[Flag]:
    """Flag what can be seen of the answers of these models, the gravest first."""
    found = [flag for model in models for flag in (*_told(answers, model), *_degenerate(answers, model))]
    for model in models:
        if lacking := answers.missing(model):
            text = f"{lacking} of {len(answers.items)} items have no answer of {model}: they are judged by nobody."
            found.append(Flag("missing", text))
    found += _longer(answers, models)
    if answers.repeats:
        found.append(
            Flag("repeats", f"{answers.repeats} further answers to items that a model answered already are left out.")
        )
    if answers.unseen:
        found.append(
            Flag("unseen", f"{answers.unseen} images and other contents of the prompts are shown to no judge.")
        )
    return found


def judge_flags(judges: Sequence[JudgeFigures]) -> list[Flag]:
    """Flag what makes a judge's word doubtful."""
    found = []
    for one in judges:
        found += _position(one.judge, one.position)
        for name, share in one.unread.items():
            if share.share is not None and share.share > _OFTEN_UNREAD:
                why = ", ".join(f"{reason} ({times})" for reason, times in sorted(one.spent.unread.items()))
                said = f"{share.count} of {share.n} replies of {one.judge} ({name})"
                text = f"{said} say nothing that can be read: {why or 'there is none'}."
                found.append(Flag("unread", text))
        if one.spent.errors:
            calls = f"{one.spent.errors} of {one.spent.calls} calls of {one.judge}"
            found.append(Flag("errors", f"{calls} have no answer; --resume makes those again that may have one."))
        if one.own is not None:
            text = f"{one.judge} judges its own: {one.own} is the same model, or declared of its family."
            found.append(Flag("self", text))
    return found


def label_flags(opinions: Opinions) -> list[Flag]:
    """Flag what is odd about people's labels."""
    found = []
    if opinions.stale:
        text = f"{opinions.stale} labels are of answers that have changed since, and are left out."
        found.append(Flag("labels", text))
    if opinions.unknown:
        found.append(Flag("labels", f"{opinions.unknown} labels are of items or models that are not judged here."))
    if opinions.skipped:
        text = (
            f"{opinions.skipped} items were looked at and skipped. What people skip is no random part of the items, "
            "so the others are none either."
        )
        found.append(Flag("skipped", text))
    return found


def _told(answers: Answers, model: str) -> list[Flag]:
    said = {item.item: words for item in answers.items if (words := tells_judge(item.outputs.get(model, "")))}
    if not said:
        return []
    item, words = next(iter(said.items()))
    who = f"{len(said)} outputs of {model} tell" if len(said) > 1 else f"1 output of {model} tells"
    return [Flag("judge_told", f'{who} a judge what to say; item "{item[:60]}": "{words}".')]


def _degenerate(answers: Answers, model: str) -> list[Flag]:
    outputs = [item.outputs[model] for item in answers.items if model in item.outputs]
    found = []
    if empty := sum(not output.strip() for output in outputs):
        found.append(Flag("empty", f"{empty} of {len(outputs)} outputs of {model} are empty."))
    text, times = Counter(outputs).most_common(1)[0] if outputs else ("", 0)
    if len(outputs) > 1 and text.strip() and times >= _NEARLY_ALL * len(outputs):
        found.append(
            Flag("constant_output", f'{times} of {len(outputs)} outputs of {model} are the same: "{text[:60]}".')
        )
    return found


def _longer(answers: Answers, models: Sequence[str]) -> list[Flag]:
    lengths = {}
    for model in models:
        outputs = [item.outputs[model] for item in answers.items if model in item.outputs]
        if outputs:
            lengths[model] = sum(map(len, outputs)) / len(outputs)
    if len(lengths) < 2 or min(lengths.values()) == 0:
        return []
    longest, shortest = max(lengths, key=lengths.__getitem__), min(lengths, key=lengths.__getitem__)
    ratio = lengths[longest] / lengths[shortest]
    if ratio < _MUCH_LONGER:
        return []
    text = (
        f"Outputs of {longest} are {ratio:.1f} times as long as those of {shortest}: judges and readers favour length."
    )
    return [Flag("length", text)]


def _position(judge: str, found: Position | None) -> list[Flag]:
    if found is None or found.bias is None:
        return []
    low, high = found.bias.ci
    if abs(found.bias.estimate) < _BIASED or low <= 0 <= high:
        return []
    place = "first" if found.bias.estimate > 0 else "second"
    text = (
        f"{judge} prefers what is shown {place}: by {abs(found.bias.estimate):.3f} "
        f"[{min(abs(low), abs(high)):.3f}, {max(abs(low), abs(high)):.3f}] of a verdict."
    )
    return [Flag("position", text)]
