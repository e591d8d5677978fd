"""Write small GGUF files, right and wrong ones (ggml docs/gguf.md)."""

import struct
from pathlib import Path

STRING, ARRAY = 8, 9
UINT32, BOOL, UINT64, FLOAT32 = 4, 7, 10, 6


def text(value: str) -> bytes:
    raw = value.encode()
    return struct.pack("<Q", len(raw)) + raw


def pair(key: str, kind: int, raw: bytes) -> bytes:
    return text(key) + struct.pack("<I", kind) + raw


def strings(values: list[str]) -> bytes:
    return struct.pack("<IQ", STRING, len(values)) + b"".join(text(value) for value in values)


def tensor(name: str, shape: tuple[int, ...], kind: int, offset: int) -> bytes:
    return (
        text(name)
        + struct.pack("<I", len(shape))
        + struct.pack(f"<{len(shape)}Q", *shape)
        + struct.pack("<IQ", kind, offset)
    )


def header(tensors: int, pairs: int, version: int = 3) -> bytes:
    return b"GGUF" + struct.pack("<IQQ", version, tensors, pairs)


PAIRS = [
    pair("general.architecture", STRING, text("llama")),
    pair("general.name", STRING, text("Tiny")),
    pair("general.license", STRING, text("mit")),
    pair("llama.context_length", UINT64, struct.pack("<Q", 512)),
    pair("general.file_type", UINT32, struct.pack("<I", 0)),
    pair("tokenizer.chat_template", STRING, text('{{ messages }}\n\x7f"quoted" \\ é')),
    pair("tokenizer.ggml.tokens", ARRAY, strings([f"token {number}" for number in range(5000)])),
    pair("general.languages", ARRAY, strings(["en", "fr"])),
]


def whole(pairs: list[bytes] | None = None, filler: int = 0) -> bytes:
    """A file with one tensor of 4 × 8 numbers of 32 bits, and `filler` bytes behind it."""
    chosen = PAIRS if pairs is None else pairs
    front = header(1, len(chosen)) + b"".join(chosen) + tensor("w", (4, 8), 0, 0)
    return front + bytes(-len(front) % 32) + bytes(range(128)) + bytes(filler)


def write(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path
