"""Claims: what is said of a model or a provider, who says it, since when, and until when that may be relied on."""

from collections.abc import Mapping
from datetime import date
from typing import Any, Final, Literal, cast

from msgspec import Struct

from steelyard.documents.findings import Findings, nearest
from steelyard.documents.locate import KeyPath
from steelyard.documents.shape import Invalid, read_struct

__all__ = ["CARD_CLAIMS", "TERMS_CLAIMS", "Claim", "Confidence", "Kind", "read_claims"]

Confidence = Literal["high", "medium", "low"]
Kind = Literal["text", "date", "words", "number", "range", "yes", "table"]
"""What a claim's value is: text; ISO 8601 text of a day; a list of texts; a number; a number or `[low, high]`; true or
false; a table of texts."""


class Claim(Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """One thing said about a model or a provider. `source` is an address, `gguf:KEY` for a file's own metadata, `file`
    for what was measured on the file, or where the file came from. A claim that is not there is unknown, and so is one
    that has expired. `sha256` is of the source's text as it was read."""

    value: Any
    source: str
    retrieved: date
    expires: date | None = None
    sha256: str | None = None
    confidence: Confidence | None = None

    def stands(self, on: date) -> bool:
        """Return whether the claim may be relied on that day: the day of expiry is the last."""
        return self.expires is None or on <= self.expires


def _kinds(**names: str) -> dict[str, Kind]:
    # The keywords are kinds, which no signature can say.
    return {name: cast("Kind", kind) for kind, listed in names.items() for name in listed.split()}


CARD_CLAIMS: Final[Mapping[str, Kind]] = _kinds(
    text="""title version developer author organization licence licence_name licence_link base_model_relation
        description url repo_url training_data compute_method compute_hardware architecture language_note energy_note
        knowledge_cutoff quantized_by finetune chat_template quantization sha256 status deprecation""",
    date="released",
    words="""base_model weights_sha256 languages modalities capabilities datasets limitations failure_modes tags
        intended_uses out_of_scope_uses""",
    number="""parameters active_parameters training_tokens context most_output gpu_hours energy_mwh co2_t
        size_bytes""",
    range="compute_flop",
    yes="""weights_published training_data_published copyright_policy_published training_summary_published
        monetised""",
    table="eu_index",
)
"""The claims that a card may make, and what each one's value is."""

TERMS_CLAIMS: Final[Mapping[str, Kind]] = _kinds(
    text="name url terms zero_retention residency free_tier subprocessors developer",
    words="regions certifications",
    number="retention_days",
    yes="trains_on_inputs outputs_may_train_competitors free_tier_trains_on_inputs self_hosted",
)
"""The claims that a provider's terms may make."""


def read_claims(table: object, kinds: Mapping[str, Kind], path: KeyPath, findings: Findings) -> dict[str, Claim]:
    """Return the claims of a table. One with an unknown name, or whose value is not of its kind, is reported."""
    if not isinstance(table, Mapping):
        findings.add(path, "expected a table of claims")
        return {}
    claims: dict[str, Claim] = {}
    for name, raw in table.items():
        here = (*path, name)
        kind = kinds.get(name)
        if kind is None:
            findings.add(here, f"no claim is called so{nearest(name, kinds, '; see docs/reference/cards.md')}")
            continue
        read = read_struct(Claim, raw, here, findings)
        if isinstance(read, Invalid):
            continue
        value = _value(kind, read.value)
        wrong = f"expected {_EXPECTED[kind]}" if value is None else _complaint(read)
        if wrong is not None:
            findings.add((*here, "value") if value is None else here, wrong)
        else:
            claims[name] = Claim(value, read.source, read.retrieved, read.expires, read.sha256, read.confidence)
    return claims


_EXPECTED: Final[Mapping[Kind, str]] = {
    "text": "a text that is not empty",
    "date": "a date like 2024-07-23",
    "words": "a list of texts",
    "number": "a number of 0 or more",
    "range": "a number, or [low, high]",
    "yes": "true or false",
    "table": "a table of texts",
}


def _complaint(claim: Claim) -> str | None:
    if not claim.source.strip():
        return "a claim needs a source"
    if claim.expires is not None and claim.expires < claim.retrieved:
        return f"it expired ({claim.expires}) before it was retrieved ({claim.retrieved})"
    if claim.sha256 is not None and not (len(claim.sha256) == 64 and set(claim.sha256) <= set("0123456789abcdef")):
        return "sha256 is 64 hexadecimal digits in lower case"
    return None


def _value(kind: Kind, raw: Any) -> Any:
    """Return a claim's value, None when it is not of its kind."""
    match kind:
        case "text":
            return raw if isinstance(raw, str) and raw.strip() else None
        case "date":
            return _day(raw)
        case "words":
            return list(raw) if isinstance(raw, list | tuple) and all(isinstance(one, str) for one in raw) else None
        case "number":
            return raw if _is_number(raw) else None
        case "range":
            return _range(raw)
        case "yes":
            return raw if isinstance(raw, bool) else None
        case "table":
            return raw if isinstance(raw, dict) and all(isinstance(one, str) for one in raw.values()) else None


def _day(raw: Any) -> str | None:
    if type(raw) is date:
        return raw.isoformat()
    try:
        return date.fromisoformat(raw).isoformat()
    except (TypeError, ValueError):
        return None


def _is_number(raw: Any) -> bool:
    return isinstance(raw, int | float) and not isinstance(raw, bool) and 0 <= raw < float("inf")


def _range(raw: Any) -> list[float] | None:
    ends = list(raw) if isinstance(raw, list | tuple) else [raw, raw]
    if len(ends) != 2 or not all(map(_is_number, ends)) or ends[0] > ends[1]:
        return None
    return [float(end) for end in ends]
