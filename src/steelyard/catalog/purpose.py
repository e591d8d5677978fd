"""A purpose: what a caller declares of its use, and what it demands of who answers."""

import re
from collections.abc import Callable, Mapping
from datetime import date
from pathlib import Path
from typing import Any, Final, Literal, get_args

from msgspec import Struct, structs

from steelyard.catalog.territories import is_territory
from steelyard.core.errors import ConfigError
from steelyard.documents.document import read_document
from steelyard.documents.findings import Findings, nearest, shown
from steelyard.documents.locate import KeyPath
from steelyard.documents.shape import Invalid, read_struct

__all__ = [
    "ACTS", "NO_PURPOSE", "Openness", "Purpose", "Use", "purpose_complaint", "purpose_from", "purpose_of", "quality_of",
    "read_purpose", "stricter", "tidied", "with_words",
]  # fmt: skip

Use = Literal["evaluation", "research", "commercial"]
Openness = Literal["closed", "open-weight", "mof3", "mof2", "mof1"]
"""From the least open to the most: the classes of the Model Openness Framework, weights that anybody may fetch."""

ACTS: Final = (
    "train_on_outputs",
    "distributes_derived",
    "hosts_for_third_parties",
    "redistributes_weights",
    "modifies_weights",
)
"""What a caller may do with a model beside asking it. An act that is not declared is taken as not done."""


class Purpose(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, kw_only=True):
    """What is declared and demanded; what is None, or empty, is neither.

    Declared: `monthly_active_users` of the licensee's products at present, and in the month before the model's release
    (some licences ask once, for that month); revenue in US dollars a year; `domain` (fields of use), `territory` and
    `end_user_territory` (ISO 3166-1, or "EU"); the acts; the name of a model that is trained on outputs. No use implies
    another (benchmarks may be barred where commerce is not): `other_uses` have to be permitted besides `use`.
    Demanded: `region` (inputs are dealt with nowhere else), days of retention at most, `allow_provider_training` False:
    the provider does not train on inputs; `self_hosted_only`; openness at least; training compute at most, in FLOP;
    `min_quality`: results that the card must show, like "MMLU >= 0.7". `as_of`: decided as on that day.
    """

    use: Use | None = None
    other_uses: tuple[Use, ...] = ()
    monthly_active_users: float | None = None
    monthly_active_users_at_release: float | None = None
    annual_revenue_usd: float | None = None
    domain: tuple[str, ...] = ()
    territory: tuple[str, ...] = ()
    end_user_territory: tuple[str, ...] = ()
    train_on_outputs: bool | None = None
    derived_model_name: tuple[str, ...] = ()
    distributes_derived: bool | None = None
    hosts_for_third_parties: bool | None = None
    redistributes_weights: bool | None = None
    modifies_weights: bool | None = None
    region: tuple[str, ...] = ()
    max_retention_days: float | None = None
    allow_provider_training: bool | None = None
    self_hosted_only: bool | None = None
    min_openness: Openness | None = None
    max_compute_flop: float | None = None
    min_quality: tuple[str, ...] = ()
    as_of: date | None = None

    @property
    def uses(self) -> tuple[Use, ...]:
        """Every use that is declared, each once."""
        return tuple(dict.fromkeys(one for one in (self.use, *self.other_uses) if one is not None))


NO_PURPOSE: Final = Purpose()

_QUALITY: Final = re.compile(r"\s*(?P<name>[^<>=]+?)\s*(?P<sign>>=|>)\s*(?P<value>\d+(\.\d+)?)\s*(?P<percent>%?)\s*")
_WORDS: Final = frozenset(
    {"other_uses", "domain", "territory", "end_user_territory", "region", "min_quality", "derived_model_name"}
)
_UPPER: Final = frozenset({"territory", "end_user_territory"})
_LOWER: Final = frozenset({"domain", "region"})
_USES: Final[tuple[Use, ...]] = get_args(Use)
_ORDERED: Final = {"use": _USES, "min_openness": get_args(Openness)}
_MOST: Final = frozenset({"monthly_active_users", "monthly_active_users_at_release", "annual_revenue_usd"})
_LEAST: Final = frozenset({"max_retention_days", "max_compute_flop"})
_NUMBERS: Final = _MOST | _LEAST


def with_words(table: Mapping[str, Any]) -> dict[str, Any]:
    """Return a purpose's table with lists where one word may stand for a list of one."""
    return {
        name: [one.strip() for one in value.split(",")] if name in _WORDS and isinstance(value, str) else value
        for name, value in table.items()
    }


def tidied(purpose: Purpose) -> Purpose:
    """Return a purpose with its words in the case in which they are compared."""
    told: dict[str, Any] = {name: tuple(one.upper() for one in getattr(purpose, name)) for name in _UPPER}
    told |= {name: tuple(one.lower() for one in getattr(purpose, name)) for name in _LOWER}
    return structs.replace(purpose, **told)


def read_purpose(path: Path) -> Purpose:
    """Read a purpose's TOML file, whose keys stand alone or below `[purpose]`. Raises ConfigError with one line a
    mistake."""
    findings = Findings(shown(path), {})
    document = read_document(path, findings) or {}
    table = document.get("purpose")
    if isinstance(table, Mapping) and len(document) == 1:
        purpose = purpose_of(table, ("purpose",), findings)
    else:
        purpose = purpose_of(document, (), findings)
    mistakes = findings.in_order()
    if mistakes or purpose is None:
        raise ConfigError(*mistakes)
    return purpose


def purpose_of(table: Mapping[str, Any], path: KeyPath, findings: Findings) -> Purpose | None:
    """Return the purpose that a table describes; None, with what is wrong reported, when there is none."""
    read = read_struct(Purpose, with_words(table), path, findings)
    if isinstance(read, Invalid):
        return None
    for name in Purpose.__struct_fields__:
        wrong = purpose_complaint(name, getattr(read, name))
        if wrong is not None:
            findings.add((*path, name), wrong)
    return tidied(read)


def purpose_complaint(name: str, value: Any) -> str | None:
    """Return what is wrong with a field's value, as the end of a sentence that begins with its key; None: nothing."""
    if isinstance(value, float) and value < 0:
        return f"must be 0 or more, got {value:g}"
    if isinstance(value, tuple) and not all(one.strip() and one.isprintable() for one in value):
        return "holds an empty word or a control character"
    if name in _UPPER:
        return next((wrong for wrong in map(_territory_complaint, value) if wrong is not None), None)
    if name == "min_quality":
        return next((wrong for wrong in map(quality_complaint, value) if wrong is not None), None)
    return None


def _territory_complaint(text: str) -> str | None:
    if is_territory(text.upper()):
        return None
    return f'"{text}" is no territory: write two letters of ISO 3166-1 (DE, US), EU, EEA or WORLD'


def quality_complaint(text: str) -> str | None:
    """Return what is wrong with a demand like "MMLU >= 0.7"; None when it is understood."""
    return None if quality_of(text) is not None else f'expected a result like "MMLU >= 0.7", got "{text}"'


def quality_of(text: str) -> tuple[str, bool, float] | None:
    """Return a demand's benchmark, whether the bound itself will do, and the bound; None when it is not understood.
    "70 %" is 0.7."""
    found = _QUALITY.fullmatch(text)
    if found is None:
        return None
    return found["name"].casefold(), found["sign"] == ">=", float(found["value"]) / (100 if found["percent"] else 1)


def purpose_from(settings: tuple[str, ...], start: Purpose = NO_PURPOSE) -> Purpose:
    """Return the purpose that `key=value` texts describe, over `start`; a list's words may come in several of them.

    Raises ConfigError with one line a mistake."""
    findings = Findings("--set", {})
    findings.origins = {(key,): f"--set {key}" for key in Purpose.__struct_fields__}
    table: dict[str, Any] = {}
    for setting in settings:
        key, equals, text = setting.partition("=")
        if not equals:
            raise ConfigError(f"--set {setting}: expected key=value, like --set use=commercial")
        if key not in Purpose.__struct_fields__:
            known = f"; known are {', '.join(Purpose.__struct_fields__)}"
            raise ConfigError(f"--set {key}: unknown key{nearest(key, Purpose.__struct_fields__, known)}")
        listed = f"{table[key]},{text}" if key in _WORDS and key in table else text
        table[key] = _scalar(key, listed.strip())
    purpose = purpose_of(table, (), findings)
    mistakes = findings.in_order()
    if mistakes or purpose is None:
        raise ConfigError(*mistakes)
    return structs.replace(start, **{key: getattr(purpose, key) for key in table})


def _scalar(key: str, text: str) -> Any:
    """Return what a text means for a key; the text itself where it means nothing, to be reported."""
    if key in _WORDS or key in _ORDERED:
        return text
    if key == "as_of":
        return _meant(date.fromisoformat, text)
    if key in _NUMBERS:
        return _meant(float, text.replace("_", ""))
    return {"true": True, "yes": True, "false": False, "no": False}.get(text.lower(), text)


def _meant(read: Callable[[str], Any], text: str) -> Any:
    try:
        return read(text)
    except ValueError:
        return text


def stricter(one: Purpose, other: Purpose) -> Purpose:
    """Return the purpose of a caller that is bound by both: whatever either denies, it denies."""
    if one == other or other == NO_PURPOSE:
        return one
    if one == NO_PURPOSE:
        return other
    both = {name: _both(name, getattr(one, name), getattr(other, name)) for name in one.__struct_fields__}
    uses = {*one.uses, *other.uses}
    return Purpose(**both | {"other_uses": tuple(use for use in _USES if use in uses and use != both["use"])})


def _both(name: str, one: Any, other: Any) -> Any:
    if one in (None, ()) or one == other:
        return other
    if other in (None, ()):
        return one
    if name in _ORDERED:
        return max(one, other, key=_ORDERED[name].index)
    if name in _MOST:
        return max(one, other)
    if name in _LEAST:
        return min(one, other)
    if name == "allow_provider_training":
        return False
    if isinstance(one, bool):
        return True
    if name == "region":
        # Nothing lies in no region: what cannot be had of both cannot be had.
        return tuple(sorted({*one} & {*other})) or ("nowhere",)
    if isinstance(one, tuple):
        return tuple(dict.fromkeys((*one, *other)))
    return max(one, other)  # days: more has expired on the later one
