"""What a document of evidence holds.

Every key is always there; what is unknown is null. Money is a decimal string in US dollars, times are seconds, digests
are 64 hexadecimal digits. `rows`, `calls`, `inputs` and `declared` are what was found and declared; `verdict`,
`outcomes`, and each model's `mean` and `spending` follow from them, and `verify` computes them again.
"""

from typing import Annotated, Final, Literal

from msgspec import Meta, Struct

from steelyard.core.loose import JsonObject
from steelyard.weigh.verdict import Weighing

__all__ = [
    "SCHEMA",
    "SIDES",
    "AskedOnce",
    "Code",
    "Declared",
    "Evidence",
    "Input",
    "LeftOut",
    "Mean",
    "Model",
    "ModelFacts",
    "Outcome",
    "OutcomeKind",
    "Outcomes",
    "Reading",
    "Row",
    "ScoredWith",
    "Side",
    "Spending",
]

SCHEMA: Final = 1
"""Version of the fields below. Readers refuse versions that they do not know."""

Side = Literal["baseline", "candidate"]
SIDES: Final[tuple[Side, Side]] = ("baseline", "candidate")

Margin = Annotated[float, Meta(ge=0)]
Alpha = Annotated[float, Meta(gt=0, le=0.5)]
Seed = Annotated[int, Meta(ge=0)]


class _Part(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    pass


class Declared(_Part, frozen=True, kw_only=True):
    """What was declared before anybody looked. `contaminated_sha256` is of the list of items to leave out."""

    margin: Margin
    alpha: Alpha
    seed: Seed
    cluster: str | None
    slices: tuple[str, ...]
    missing: Literal["report", "fail"]
    contaminated_sha256: str | None


class Row(_Part, frozen=True, kw_only=True):
    """One item with both scores: what the verdict is computed from. `slices` are the cells of the declared columns, as
    text; `item` is the SHA-256 of the item's name where the document says `items_hashed`."""

    item: str
    cluster: str | None
    slices: dict[str, str]
    baseline: float
    candidate: float


class LeftOut(_Part, frozen=True, kw_only=True):
    """An item that does not count. `why`: one side has no score of it (`missing`), it is of one side alone (`absent`),
    or a model may have been trained on it (`contaminated`). The side is that which lacks it."""

    item: str
    why: Literal["missing", "absent", "contaminated"]
    side: Side | Literal["both"]


class AskedOnce(_Part, frozen=True, kw_only=True):
    """One call: which exchange holds it, how it ended, what it cost and took. `counts` False: it failed, and was made
    again."""

    item: str
    side: Side
    repeat: int
    counts: bool
    exchange: str | None
    deployment: str | None
    status: int | None
    answered: bool
    parsed: bool
    score: float | None
    input_tokens: int | None
    output_tokens: int | None
    cost_usd: str | None
    took_s: float


class Spending(_Part, frozen=True, kw_only=True):
    """What a model's calls came to. Totals are null where any call's part is unknown; `cost_known` counts the calls
    whose cost is known, of all `calls`; `counted` are those that count. Latencies are of answers that count."""

    calls: int
    counted: int
    answered: int
    unparsed: int
    input_tokens: int | None
    output_tokens: int | None
    cost_known: int
    cost_usd: str | None
    cost_usd_per_1000_items: str | None
    latency_n: int
    latency_median_s: float | None
    latency_p95_s: float | None


class ScoredWith(_Part, frozen=True, kw_only=True):
    """A scorer: its label, its name and options where they are known, and the version of its rules."""

    label: str
    name: str | None
    options: JsonObject | None
    version: str | None


class ModelFacts(_Part, frozen=True, kw_only=True):
    """What was known of a model, or of a deployment that answered, on a day: from cards and providers' terms."""

    name: str
    on: str
    card: str | None
    card_sha256: str | None
    developer: str | None
    licence: str | None
    openness: str | None
    weights_published: bool | None
    provider: str | None
    provider_terms: str | None
    self_hosted: bool | None
    regions: tuple[str, ...] | None
    retention_days: float | None
    trains_on_inputs: bool | None


class Mean(_Part, frozen=True, kw_only=True):
    """A mean over `n` items and its interval; null where there is none, or too few items or clusters for one."""

    value: float | None
    n: int
    ci: tuple[float, float] | None


OutcomeKind = Literal[
    "both_right", "baseline_only", "candidate_only", "both_wrong", "candidate_better", "equal", "baseline_better"
]


class Outcome(_Part, frozen=True, kw_only=True):
    """How many items went one way, and their share."""

    kind: OutcomeKind
    count: int
    share: Mean


class Outcomes(_Part, frozen=True, kw_only=True):
    """Items by who did better. `binary`: every score is 0 or 1, and kinds say who was right; else who scored more."""

    binary: bool
    n: int
    kinds: tuple[Outcome, ...]


class Model(_Part, frozen=True, kw_only=True):
    """One side. `mean` is that of the rows; `unparsed` counts outputs from which nothing could be read, `missing` runs
    without a score."""

    name: str
    scorers: tuple[ScoredWith, ...]
    mean: Mean
    unparsed: int | None
    missing: int
    spending: Spending | None
    facts: tuple[ModelFacts, ...] | None


class Input(_Part, frozen=True, kw_only=True):
    """A file that was read: its name without directory, and the model that it was said to be of."""

    name: str
    model: str | None
    role: Literal["results", "contaminated"]
    sha256: str
    bytes: int


class Reading(_Part, frozen=True, kw_only=True):
    """Columns that were named by whoever read the files."""

    item: str | None
    score: str | None


class Code(_Part, frozen=True, kw_only=True):
    """Versions of what computed this."""

    steelyard: str
    python: str
    numpy: str
    scipy: str


class Evidence(_Part, frozen=True, kw_only=True):
    """The document, but for its own digest `sha256`, which is of the canonical rest."""

    schema: int
    id: str
    kind: Literal["live", "recorded"]
    title: str
    created: str
    source: str
    licence: str | None
    models: dict[Side, Model]
    declared: Declared
    verdict: Weighing
    outcomes: Outcomes
    cluster_column: str | None
    items_hashed: bool
    rows: tuple[Row, ...]
    left_out: tuple[LeftOut, ...]
    calls: tuple[AskedOnce, ...]
    inputs: tuple[Input, ...]
    reading: Reading | None
    items_sha256: str | None
    prompt_sha256: str | None
    judges: JsonObject | None
    code: Code
