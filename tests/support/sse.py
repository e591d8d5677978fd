"""Server-sent events, read strictly."""

from collections.abc import Iterable, Iterator

__all__ = ["fields", "payloads"]


def payloads(parts: Iterable[bytes]) -> Iterator[str]:
    """Yield the data of each event of a stream that arrives in parts (HTML standard, "Interpreting an event stream").
    An event that lacks its empty line is discarded, as the standard demands."""
    for event in _events(parts):
        lines = [value for name, value in fields(event) if name == "data"]
        if lines:
            yield "\n".join(lines)


def fields(event: str) -> list[tuple[str, str]]:
    """Return the names and values of an event's lines; comments have the name ""."""
    found = []
    for line in event.split("\n"):
        name, _, value = line.partition(":")
        found.append((name, value.removeprefix(" ")))
    return found


def _events(parts: Iterable[bytes]) -> Iterator[str]:
    buffer = b""
    for part in parts:
        buffer += part
        # A CR at the end may be half of a CR LF.
        whole = buffer[:-1] if buffer.endswith(b"\r") else buffer
        text = whole.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        *done, rest = text.split(b"\n\n")
        buffer = rest + buffer[len(whole) :]
        for event in done:
            yield event.decode("utf-8-sig")
    if buffer.endswith(b"\r"):
        *done, _ = buffer.replace(b"\r", b"\n").split(b"\n\n")
        yield from (event.decode("utf-8-sig") for event in done)
