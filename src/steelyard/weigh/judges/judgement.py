"""What a judge said, once: a line of `judgements.jsonl`; and what was declared before it was asked."""

from typing import Literal

from msgspec import Struct

from steelyard.core.loose import JsonObject
from steelyard.weigh.calls.caller import CameBack
from steelyard.weigh.judges.reading import Choice
from steelyard.weigh.judges.template import Kind

__all__ = ["BEGUN", "DECLARED", "JUDGEMENTS", "Declared", "Judgement", "Order"]

JUDGEMENTS = "judgements.jsonl"
DECLARED = "judging.jsonl"
BEGUN = "judging-begun.jsonl"

Order = Literal["straight", "swapped", "alone"]
"""`straight`: the pair's first model is shown as A; `swapped`: as B; `alone`: one answer is scored."""


class Judgement(CameBack, frozen=True, kw_only=True):
    """One call of one judge.

    `models` are in the order in which they were shown. `asked` is the digest of judge, item, models and all that it
    was asked, fences included: what has it again was asked the same. `template` and `rubric` are digests. `reply` None:
    there is no answer, and `error` says why. `choice` and `score` None: nothing could be read, and `unread` says why.
    `cost_at_most_usd` is what was reserved for it, None: nothing."""

    judge: str
    kind: Kind
    item: str
    models: tuple[str, ...]
    order: Order
    template: str
    rubric: str | None = None
    asked: str
    reply: str | None
    choice: Choice | None = None
    score: int | None = None
    unread: str | None = None
    cost_at_most_usd: str | None = None


class Declared(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A line of `judging.jsonl`: what was to be decided, and by what, before the judges were asked.

    `at` is an ISO 8601 time in UTC, `answers` the digest of what was judged, `code` the version of Steelyard.
    `template` and `rubric` are digests; `system`, `prompt` and `criteria` the texts that they are of, and `fields` what
    went along with every call. `rubric_text` is the JSON that `rubric` is the digest of. `families` names, by judge,
    the model that it is said to be of one family with; None in lines that were written before this was, and `cluster`,
    `slices` and `rubric_text`: there none of them is known."""

    at: str
    code: str
    kind: Kind
    judges: tuple[str, ...]
    template: str
    rubric: str | None
    system: str | None
    prompt: str
    criteria: str | None
    fields: JsonObject
    answers: str
    seed: int
    baseline: str | None
    candidate: str | None
    margin: float | None
    alpha: float
    rubric_text: str | None = None
    families: dict[str, str] | None = None
    cluster: str | None = None
    slices: tuple[str, ...] = ()
