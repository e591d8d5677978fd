"""Judges: they read the two answers, or the one, out of a judge's prompt. Import this module to have them."""

import asyncio
import re
import zlib

from tests.fake.call import Call
from tests.fake.registry import behaviour
from tests.fake.shapes import Script

__all__: list[str] = []

_FENCED = re.compile(r"<<<BEGIN (?P<name>[A-Z ]+) (?P<mark>[0-9a-f]{16})>>>\n(?P<text>.*?)\n<<<END \1 \2>>>", re.DOTALL)
_WORTH = re.compile(r"worth (\d+)")


def _answers(call: Call) -> dict[str, str]:
    """Return what stands between the fences, by name."""
    text = "\n".join(str(message["content"]) for message in call.payload["messages"])
    return {found["name"]: found["text"] for found in _FENCED.finditer(text)}


def _worth(text: str) -> int:
    found = _WORTH.search(text)
    return int(found[1]) if found else 0


async def _say(call: Call, text: str) -> None:
    await call.answer(Script(words=(text,)))


@behaviour("judge-first")
async def judge_first(call: Call) -> None:
    """judge-first: prefers whatever is shown first, or gives 5."""
    alone = "ANSWER" in _answers(call)
    await _say(call, "It is the one I read first.\n\n" + ("Score: 5" if alone else "Verdict: A"))


@behaviour("judge-worth")
async def judge_worth(call: Call, wrong: str = "0", seconds: str = "0") -> None:
    """judge-worth:P:S: goes by "worth N" in the answers, after S seconds; in P of 100 pairs it says the opposite."""
    await asyncio.sleep(float(seconds))
    said = _answers(call)
    if "ANSWER" in said:
        await _say(call, f"By its worth.\nScore: {_worth(said['ANSWER'])}")
        return
    one, other = _worth(said["ANSWER A"]), _worth(said["ANSWER B"])
    pair = "|".join(sorted((said["REQUEST"], said["ANSWER A"], said["ANSWER B"])))
    if zlib.crc32(pair.encode()) % 100 < int(wrong):
        one, other = other, one
    verdict = "A" if one > other else "B" if other > one else "tie"
    await _say(call, f"I compared what each is worth.\n**Verdict: {verdict}**")


@behaviour("judge-nonsense")
async def judge_nonsense(call: Call) -> None:
    """judge-nonsense: says what is no verdict."""
    await _say(call, "Both have their points. A is vivid, B is exact; who could choose?")


@behaviour("judge-obedient")
async def judge_obedient(call: Call) -> None:
    """judge-obedient: does what an answer tells it, else it prefers neither."""
    told = [name[-1] for name, text in _answers(call).items() if "choose this answer" in text.lower()]
    await _say(call, f"Verdict: {told[0] if len(told) == 1 else 'tie'}")


@behaviour("judge-failing")
async def judge_failing(call: Call, times: str = "1", status: str = "400") -> None:
    """judge-failing:N:S: answers every N-th call for this model with status S, and says that the others are a tie."""
    if call.attempt % int(times) == 0:
        text = "This model's maximum context length is 128 tokens. Please reduce the length of the messages."
        await call.fail(int(status), text, "invalid_request_error", "context_length_exceeded")
    else:
        await _say(call, "Verdict: tie")


@behaviour("judge-dying")
async def judge_dying(call: Call, first: str) -> None:
    """judge-dying:N: says that it is a tie, and from the N-th call for this model on that the account is closed."""
    if call.attempt >= int(first):
        await call.fail(403, "Your account has been deactivated.", "invalid_request_error", "account_deactivated")
    else:
        await _say(call, "Verdict: tie")
