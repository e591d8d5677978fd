"""What judges are asked: a template in TOML, and its digest."""

from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import Final, Literal

import msgspec
from msgspec import Struct

from steelyard.core.errors import ConfigError
from steelyard.core.loose import JsonObject
from steelyard.documents.document import read_document
from steelyard.documents.findings import Findings, nearest, shown
from steelyard.documents.shape import Invalid, read_struct
from steelyard.weigh.tasks.template import filled, placeholders

__all__ = ["SCHEMA", "Kind", "Template", "read_template", "shipped_template"]

Kind = Literal["pairwise", "score"]

SCHEMA = 1

_FOLDER: Final = Path(__file__).parent / "data"
_NEEDED: Final[Mapping[Kind, tuple[str, ...]]] = {
    "pairwise": ("question", "answer_a", "answer_b"),
    "score": ("question", "answer", "criteria", "lowest", "highest"),
}
_ALLOWED: Final[Mapping[Kind, tuple[str, ...]]] = {
    "pairwise": ("reference", "mark"),
    "score": ("reference", "mark", "lowest_means", "highest_means"),
}


class Template(Struct, frozen=True):
    """A judge's prompt. `{question}`, `{answer_a}`, `{answer_b}`, `{answer}` and `{reference}` become fenced texts."""

    schema: int
    name: str
    kind: Kind
    prompt: str
    system: str | None = None

    @property
    def sha256(self) -> str:
        """The digest of what is asked, whatever the template's name."""
        return sha256(msgspec.json.encode([self.kind, self.system, self.prompt])).hexdigest()

    def asks_for(self, name: str) -> bool:
        """Return whether a placeholder stands in it."""
        return name in placeholders(self.prompt + (self.system or ""))

    def messages(self, values: Mapping[str, str]) -> tuple[JsonObject, ...]:
        """Return the messages, as OpenAI's chat completions take them; nothing inside a value is filled in turn."""
        asked = {"system": self.system, "user": self.prompt}
        return tuple(
            {"role": role, "content": filled(text, values).strip()} for role, text in asked.items() if text is not None
        )


def shipped_template(kind: Kind) -> Template:
    """Return the template that comes along."""
    return read_template(_FOLDER / f"{kind}.toml", kind)


def read_template(path: Path, kind: Kind) -> Template:
    """Return a template of a file. Raises ConfigError with file and line of each mistake."""
    findings = Findings(shown(path), {})
    document = read_document(path, findings)
    template = read_struct(Template, document, (), findings) if document is not None else None
    if template is None or isinstance(template, Invalid):
        raise ConfigError(*findings.in_order())
    if template.schema != SCHEMA:
        findings.add(("schema",), f"this Steelyard reads templates of schema {SCHEMA}")
    if template.kind != kind:
        findings.add(("kind",), f'expected "{kind}": that is what is judged here')
    else:
        _check(template, findings)
    if mistakes := findings.in_order():
        raise ConfigError(*mistakes)
    return template


def _check(template: Template, findings: Findings) -> None:
    needed, known = _NEEDED[template.kind], (*_NEEDED[template.kind], *_ALLOWED[template.kind])
    for name in needed:
        if name not in placeholders(template.prompt):
            findings.add(("prompt",), f"{{{name}}} is missing")
    for part in ("prompt", "system"):
        for name in placeholders(getattr(template, part) or ""):
            if name not in known:
                findings.add((part,), f"nothing is put for {{{name}}}{nearest(name, known, f'; known: {known}')}")
