"""Read files of recorded results, each by the reader that its content calls for."""

from collections.abc import Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Final

from msgspec.structs import replace

from steelyard.core.errors import ConfigError, StoreError
from steelyard.core.loose import JsonValue
from steelyard.weigh.results.alpaca_eval import alpaca_blocks, is_alpaca
from steelyard.weigh.results.decoded import HalfError, decoded
from steelyard.weigh.results.inspect_log import inspect_blocks, is_inspect, read_archive
from steelyard.weigh.results.lm_eval import is_lm_eval, lm_eval_blocks
from steelyard.weigh.results.openai_evals import is_openai_evals, openai_evals_blocks
from steelyard.weigh.results.packed import unpacked
from steelyard.weigh.results.promptfoo import is_promptfoo, promptfoo_blocks, promptfoo_results
from steelyard.weigh.results.sheet import Block, Flag, Results, mistaken
from steelyard.weigh.results.source import Source
from steelyard.weigh.results.tables import blocks_of, flattened, read_delimited, read_parquet, sheet_of

__all__ = ["read_content", "read_results"]

_ROW_READERS: Final = (
    (is_lm_eval, lm_eval_blocks),
    (is_openai_evals, openai_evals_blocks),
    (is_promptfoo, promptfoo_blocks),
    (is_alpaca, alpaca_blocks),
)


def read_results(files: Sequence[str], item: str | None = None, score: str | None = None) -> Results:
    """Read files, each FILE or MODEL=FILE. Raises ConfigError with file and line, StoreError for an unreadable file."""
    blocks: list[Block] = []
    digests = []
    for name in files:
        model, path = _named(name)
        try:
            content = path.read_bytes()
        except OSError as error:
            raise StoreError(f"{path}: {error.strerror or error}. Check the path and its mode.") from error
        digests.append(sha256(content).hexdigest())
        blocks += read_content(Source(str(path), content, model, item, score))
    joined = digests[0] if len(digests) == 1 else sha256("\n".join(digests).encode()).hexdigest()
    notes = dict.fromkeys(block.note for block in blocks if block.note is not None)
    return Results(tuple(blocks), joined, tuple(Flag("incomplete", note) for note in notes))


def _named(name: str) -> tuple[str | None, Path]:
    """Return the model and the path of MODEL=FILE; a file whose own name has an equals sign is a file."""
    model, equals, path = name.partition("=")
    if not equals or Path(name).is_file() or not model:
        return None, Path(name)
    return model, Path(path)


def read_content(source: Source) -> list[Block]:
    """Return the scores in a file's content, which gzip or xz may have packed. Raises ConfigError."""
    content = unpacked(source.content, source.file)
    source = replace(source, content=content)
    if content.startswith(b"PK\x03\x04"):
        return read_archive(source)
    if content.startswith(b"PAR1"):
        return read_parquet(source)
    text = content.removeprefix(b"\xef\xbb\xbf").lstrip()
    if not text:
        raise ConfigError(f"{source.file}: it is empty")
    if text[:1] == b"[" or (text[:1] == b"{" and not _is_lines(text)):
        return _document(replace(source, content=text))
    if text[:1] == b"{":
        return _lines(source)
    return read_delimited(source)


def _is_lines(text: bytes) -> bool:
    """Say whether the first line is an object by itself, as in JSON lines."""
    first, _, rest = text.partition(b"\n")
    try:
        document = decoded(first)
    except HalfError:
        return bool(rest.strip())
    except ValueError:
        return False
    return bool(rest.strip()) or not _is_document(document)


def _is_document(document: object) -> bool:
    return is_inspect(document) or promptfoo_results(document) is not None


def _document(source: Source) -> list[Block]:
    try:
        document = decoded(source.content)
    except ValueError as error:
        raise ConfigError(f"{source.file}: no JSON: {error}") from error
    if is_inspect(document):
        return inspect_blocks(source, document)
    results = promptfoo_results(document)
    if results is not None:
        return promptfoo_blocks(source, results, range(1, len(results) + 1), "result")
    if not isinstance(document, list):
        raise ConfigError(
            f"{source.file}: a JSON object that is no log of Inspect and no output of promptfoo. A table is a list of "
            "objects, or one object a line."
        )
    wrong = [f"{source.file}: entry {number}: no object" for number, row in enumerate(document, 1) if not _is_row(row)]
    if wrong:
        raise mistaken(wrong)
    return _rows(source, document, range(1, len(document) + 1), "entry")


def _lines(source: Source) -> list[Block]:
    rows, places, wrong = [], [], []
    for number, line in enumerate(source.content.removeprefix(b"\xef\xbb\xbf").split(b"\n"), 1):
        if not line.strip():
            continue
        try:
            row = decoded(line)
        except ValueError as error:
            wrong.append(f"{source.file}:{number}: no JSON: {error}")
            continue
        if _is_row(row):
            rows.append(row)
            places.append(number)
        else:
            wrong.append(f"{source.file}:{number}: no object")
    if wrong:
        raise mistaken(wrong)
    return _rows(source, rows, places, "")


def _is_row(row: object) -> bool:
    return isinstance(row, Mapping)


def _rows(source: Source, rows: Sequence[Mapping[str, JsonValue]], places: Sequence[int], unit: str) -> list[Block]:
    if not rows:
        raise ConfigError(f"{source.file}: it holds no rows")
    for speaks, read in _ROW_READERS:
        if speaks(rows[0]):
            return read(source, rows, places, unit)
    nested = any(isinstance(value, Mapping | list) for value in rows[0].values())
    plain = [flattened(row) for row in rows] if nested else rows
    return blocks_of(source, sheet_of(source.file, unit, places, plain))
