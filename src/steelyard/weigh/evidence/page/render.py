"""The page: one file that needs no network and no script.

Everything that comes from elsewhere is escaped by the templates. Control characters and lone surrogates, which HTML
forbids (HTML Living Standard, section 13.2.3.5, "control-character-in-input-stream"), are written out.
"""

import re
from base64 import b64encode
from hashlib import sha256
from typing import Any, Final

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from steelyard.weigh.evidence.canonical import digest, plain
from steelyard.weigh.evidence.document import SIDES, Evidence
from steelyard.weigh.evidence.page.forest import NARROW, WIDE, plots_of
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


def _written(value: Any) -> Any:
    """Return text without what HTML forbids; anything else as it is."""
    if isinstance(value, str) and not isinstance(value, Markup):
        return _FORBIDDEN.sub(lambda found: f"\\x{ord(found[0]):02x}", value)
    return value


_ENVIRONMENT: Final = Environment(
    loader=PackageLoader("steelyard.weigh.evidence.page", "."),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    finalize=_written,
)


def page_of(evidence: Evidence) -> str:
    """Return the page as HTML."""
    style = _ENVIRONMENT.get_template("page.css").render()
    hashed = b64encode(sha256(style.encode()).digest()).decode()
    verdict = evidence.verdict
    baseline, candidate = (evidence.models[side] for side in SIDES)
    return _ENVIRONMENT.get_template("page.html.jinja").render(
        evidence=evidence,
        verdict=verdict,
        word=WORDS[verdict.verdict],
        words=WORDS,
        sentence=sentence(verdict, baseline.name, candidate.name),
        baseline=baseline,
        candidate=candidate,
        failing=[one for one in verdict.slices if one.verdict == "DONT"],
        flags=[flag for flag in verdict.flags if flag.kind != "slice"],
        wide=plots_of(verdict, WIDE),
        narrow=plots_of(verdict, NARROW),
        outcomes=OUTCOMES,
        bar=parts_of([(one.kind, one.count) for one in evidence.outcomes.kinds]),
        spending=spending_lines(evidence),
        facts=facts_lines(evidence),
        method=method_told(evidence),
        scorers=scorer_lines,
        commands=commands(evidence),
        sha256=digest(plain(evidence)),
        confidence=percent(evidence.declared.alpha),
        signed=signed,
        spanned=spanned,
        shown_p=shown_p,
        style=Markup(style),  # noqa: S704 - the package's own file
        policy=f"default-src 'none'; img-src data:; style-src 'sha256-{hashed}'; base-uri 'none'; form-action 'none'",
    )
