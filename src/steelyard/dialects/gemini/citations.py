"""Where an answer has something from, in Gemini's words (Gemini API reference, "GroundingMetadata",
"GroundingSupport", "Segment", "CitationMetadata").

Gemini says it beside the text, by bytes of its UTF-8; the core says it in the text's part, by characters.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from msgspec import Struct

from steelyard.core.losses import Losses
from steelyard.core.parts import Citation, Fields

__all__ = ["Cite", "Said", "citations_in", "grounding_json"]


class Said(Struct, frozen=True):
    """A text part of a candidate: its number in the stream, where it stands in the candidate's content, its text."""

    part: int
    place: int
    text: str


class Cite(Struct, frozen=True):
    """A citation of the text part `said`, of another dialect than Gemini."""

    said: Said
    citation: Citation


def citations_in(candidate: Fields, said: Sequence[Said]) -> Iterator[tuple[int, Citation]]:
    """Give the citations of a candidate, each with the number of the text part that it belongs to."""
    if not said:
        return
    grounding = candidate.get("groundingMetadata")
    if isinstance(grounding, dict):
        yield from _grounded(grounding, said)
    cited = candidate.get("citationMetadata")
    if isinstance(cited, dict):
        # The Gemini API calls them citationSources, Vertex AI citations.
        for one in _objects(cited.get("citationSources") or cited.get("citations")):
            part, start, end = _placed(one, said, None)
            yield part, Citation("gemini", one, one.get("uri"), one.get("title"), start=start, end=end)


def _grounded(grounding: Fields, said: Sequence[Said]) -> Iterator[tuple[int, Citation]]:
    chunks = _objects(grounding.get("groundingChunks"))
    for support in _objects(grounding.get("groundingSupports")):
        segment = support.get("segment")
        segment = segment if isinstance(segment, dict) else {}
        quoted = segment.get("text")
        part, start, end = _placed(segment, said, quoted if isinstance(quoted, str) else None)
        for index in support.get("groundingChunkIndices") or ():
            if not isinstance(index, int) or not 0 <= index < len(chunks):
                continue
            source = next((one for one in chunks[index].values() if isinstance(one, dict)), {})
            native: Fields = {"groundingSupport": support, "groundingChunk": chunks[index]}
            yield part, Citation("gemini", native, source.get("uri"), source.get("title"), quoted, start, end)


def _objects(value: Any) -> list[Fields]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _placed(segment: Fields, said: Sequence[Said], quoted: str | None) -> tuple[int, int | None, int | None]:
    """Return the part that a segment is of, and its characters there; None where the text says otherwise."""
    place = segment.get("partIndex") or 0
    found = next((one for one in said if one.place == place), said[0])
    start, end = segment.get("startIndex") or 0, segment.get("endIndex")
    if type(start) is int and type(end) is int:
        first, last = _characters(found.text, start), _characters(found.text, end)
        if quoted is None or found.text[first:last] == quoted:
            return found.part, first, last
    if quoted:
        for one in said:
            first = one.text.find(quoted)
            if first >= 0:
                return one.part, first, first + len(quoted)
    return found.part, None, None


def _characters(text: str, count: int) -> int:
    return count if text.isascii() else len(text.encode()[:count].decode(errors="ignore"))


def grounding_json(cites: Sequence[Cite], losses: Losses) -> Fields | None:
    """Return `groundingMetadata` for other dialects' citations of pages; None where there are none. Citations of
    documents of the request are reported: Gemini has no words for them."""
    chunks: list[Fields] = []
    known: dict[tuple[str, str | None], int] = {}
    supports: list[Fields] = []
    for one in cites:
        citation = one.citation
        if citation.url is None:
            losses.dropped("answer.citations", "Gemini cites pages only, not documents of the request")
            continue
        key = (citation.url, citation.title)
        if key not in known:
            known[key] = len(chunks)
            title = {"title": citation.title} if citation.title is not None else {}
            chunks.append({"web": {"uri": citation.url, **title}})
        supports.append({"segment": _segment(one), "groundingChunkIndices": [known[key]]})
    return {"groundingChunks": chunks, "groundingSupports": supports} if chunks else None


def _segment(one: Cite) -> Fields:
    text = one.said.text
    start = one.citation.start if one.citation.start is not None else 0
    end = one.citation.end if one.citation.end is not None else len(text)
    found: Fields = {"endIndex": len(text[:end].encode()), "text": text[start:end]}
    if start:
        found["startIndex"] = len(text[:start].encode())
    if one.said.place:
        found["partIndex"] = one.said.place
    return found
