"""The page: one file that needs no network and no script.

Everything that comes from elsewhere is escaped by the templates. Control characters and lone surrogates, which HTML
forbids, are written out, and so are the controls that turn the direction of text (Unicode Standard Annex 9, sections
2.1 to 2.4): a name must not turn what stands behind it.
"""

import hashlib
import re
from base64 import b64encode
from typing import Final

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from steelyard.weigh.evidence.canonical import digest, plain
from steelyard.weigh.evidence.document import SIDES, Evidence
from steelyard.weigh.evidence.page.forest import NARROW, WIDE, plots_of
from steelyard.weigh.evidence.page.judging import judging_told
from steelyard.weigh.evidence.page.shares import parts_of
from steelyard.weigh.evidence.page.told import (
    OUTCOMES,
    commands,
    facts_lines,
    method_told,
    scorer_lines,
    spending_lines,
)
from steelyard.weigh.evidence.words import WORDS, percent, sentence, shown_p, signed, spanned

__all__ = ["page_of"]

_FORBIDDEN: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]")
_TURNING: Final = re.compile("[\u202a-\u202e\u2066-\u2069]")
_BASELINE, _CANDIDATE = "\ue000", "\ue001"
"""Stand for the names while a sentence is made; both are of the private use area."""
_LONGEST: Final = 80
"""Letters of a model's name in the verdict's sentence; it stands in full below."""


def _written(value: object) -> object:
    """Return text without what HTML forbids; anything else as it is."""
    if isinstance(value, str) and not isinstance(value, Markup):
        told = _FORBIDDEN.sub(lambda found: f"\\x{ord(found[0]):02x}", value)
        return _TURNING.sub(lambda found: f"\\u{ord(found[0]):04x}", told)
    return value


_ENVIRONMENT: Final = Environment(
    loader=PackageLoader("steelyard.weigh.evidence.page", "."),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    finalize=_written,
)


def _sentence(evidence: Evidence) -> Markup:
    """Return the verdict's sentence, each name in its own direction."""
    baseline, candidate = (evidence.models[side].name for side in SIDES)
    told = escape(sentence(evidence.verdict, _BASELINE, _CANDIDATE))
    for mark, name in ((_BASELINE, baseline), (_CANDIDATE, candidate)):
        short = name if len(name) <= _LONGEST else f"{name[: _LONGEST - 1]}…"
        told = told.replace(mark, Markup("<bdi>{}</bdi>").format(_written(short)))
    return told


def page_of(evidence: Evidence, sha256: str | None = None) -> str:
    """Return the page as HTML. `sha256` is the document's digest, where it is known already."""
    style = _ENVIRONMENT.get_template("page.css").render()
    hashed = b64encode(hashlib.sha256(style.encode()).digest()).decode()
    verdict = evidence.verdict
    facts, nowhere = facts_lines(evidence)
    baseline, candidate = (evidence.models[side] for side in SIDES)
    return _ENVIRONMENT.get_template("page.html.jinja").render(
        evidence=evidence,
        verdict=verdict,
        word=WORDS[verdict.verdict],
        words=WORDS,
        sentence=_sentence(evidence),
        baseline=baseline,
        candidate=candidate,
        failing=[one for one in verdict.slices if one.verdict == "DONT"],
        flags=[flag for flag in verdict.flags if flag.kind != "slice"],
        wide=plots_of(verdict, WIDE),
        narrow=plots_of(verdict, NARROW),
        outcomes=OUTCOMES,
        bar=parts_of([(one.kind, one.count) for one in evidence.outcomes.kinds]),
        spending=spending_lines(evidence),
        facts=facts,
        nowhere=nowhere,
        judging=judging_told(evidence.judges),
        method=method_told(evidence),
        scorers=scorer_lines,
        commands=commands(evidence),
        sha256=digest(plain(evidence)) if sha256 is None else sha256,
        confidence=percent(evidence.declared.alpha),
        signed=signed,
        spanned=spanned,
        shown_p=shown_p,
        style=Markup(style),  # noqa: S704 - the package's own file
        policy=f"default-src 'none'; img-src data:; style-src 'sha256-{hashed}'; base-uri 'none'; form-action 'none'",
    )
