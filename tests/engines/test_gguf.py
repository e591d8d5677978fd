import struct
import time
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from steelyard.core.errors import StoreError
from steelyard.engines.gguf import read_gguf
from steelyard.engines.store import StoredModel
from tests.engines import gguf_bytes as gguf


def test_a_file_says_what_it_is(tmp_path: Path) -> None:
    file = read_gguf(gguf.write(tmp_path / "tiny.gguf", gguf.whole()))

    assert (file.architecture, file.name, file.licence) == ("llama", "Tiny", "mit")
    assert (file.context_length, file.parameters, file.quantization) == (512, 32, "F32")
    assert file.chat_template == '{{ messages }}\n\x7f"quoted" \\ é'
    assert file.metadata["general.languages"] == ["en", "fr"]


def test_a_vocabulary_is_stepped_over(tmp_path: Path) -> None:
    file = read_gguf(gguf.write(tmp_path / "tiny.gguf", gguf.whole()))

    assert "tokenizer.ggml.tokens" not in file.metadata
    assert file.metadata["general.languages"]  # it follows the vocabulary, so the step was right


def test_what_a_file_does_not_say_is_unknown(tmp_path: Path) -> None:
    file = read_gguf(gguf.write(tmp_path / "bare.gguf", gguf.whole(pairs=[])))

    assert (file.architecture, file.name, file.licence, file.context_length) == (None, None, None, None)
    assert file.quantization == "F32"  # inferred from the tensors, as gguf.md allows


def test_the_real_model_is_read_quickly_and_as_llama_cpp_reads_it(smollm: StoredModel) -> None:
    began = time.process_time()
    file = read_gguf(smollm.path)

    assert time.process_time() - began < 1.0
    assert (file.architecture, file.quantization, file.licence) == ("llama", "Q4_1", "apache-2.0")
    assert (file.parameters, file.context_length) == (134_515_008, 8192)  # n_params, n_ctx_train of llama.cpp
    assert file.chat_template is not None
    assert file.chat_template.startswith("{% for message in messages %}")


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "begins with nothing, as it is empty"),
        (b"PK\x03\x04 a zip file", "begins with the bytes 50 4b 03 04, not with 47 47 55 46 (GGUF)"),
        (gguf.header(0, 0, version=1), "format version 1"),
        (b"GGUF" + struct.pack(">IQQ", 3, 0, 0), "big-endian"),
        (gguf.header(1 << 40, 0), "more than it can hold"),
        (gguf.header(0, 1 << 60), "more than it can hold"),
        (gguf.header(0, 1) + struct.pack("<Q", 1 << 62) + bytes(64), "a name of"),
        (gguf.header(0, 1) + gguf.text("a") + struct.pack("<IQ", gguf.STRING, 1 << 63) + bytes(64), "ends within"),
        (
            gguf.header(0, 1) + gguf.text("a") + struct.pack("<IIQ", gguf.ARRAY, 8, 1 << 61) + bytes(64),
            "more than the file",
        ),
        (gguf.header(0, 1) + gguf.text("a") + struct.pack("<I", 99) + bytes(64), "unknown value type 99"),
        (gguf.header(0, 2) + gguf.PAIRS[0] * 2, "occurs twice"),
        (gguf.header(1, 0) + gguf.tensor("w", (1,) * 9, 0, 0), "9 dimensions"),
        (gguf.header(1, 0) + gguf.tensor("w", (1 << 60, 1 << 60), 0, 0), "its end is missing"),
        (gguf.header(0, 1) + gguf.text("a") + struct.pack("<IQ", gguf.STRING, 2) + b"\xff\xfe" + bytes(8), "not UTF-8"),
    ],
)
def test_a_hostile_file_is_refused_with_its_reason(tmp_path: Path, content: bytes, reason: str) -> None:
    path = gguf.write(tmp_path / "bad.gguf", content)

    with pytest.raises(StoreError) as refused:
        read_gguf(path)

    assert reason in str(refused.value)
    assert str(path) in str(refused.value)


def test_nested_arrays_have_a_bottom(tmp_path: Path) -> None:
    nested = struct.pack("<IQ", gguf.ARRAY, 1) * 50 + struct.pack("<IQ", gguf.UINT32, 1) + bytes(64)
    content = gguf.header(0, 1) + gguf.text("a") + struct.pack("<I", gguf.ARRAY) + nested

    with pytest.raises(StoreError, match="nested"):
        read_gguf(gguf.write(tmp_path / "deep.gguf", content))


def test_a_file_that_is_not_there_or_a_directory_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="Check the path"):
        read_gguf(tmp_path / "none.gguf")
    with pytest.raises(StoreError, match="is a directory"):
        read_gguf(tmp_path)


@pytest.mark.parametrize("kept", [0.1, 0.5, 0.9, 0.999])
def test_a_truncated_file_is_refused(tmp_path: Path, kept: float) -> None:
    content = gguf.whole()

    with pytest.raises(StoreError):
        read_gguf(gguf.write(tmp_path / "cut.gguf", content[: int(len(content) * kept)]))


_SMALL = gguf.whole(pairs=gguf.PAIRS[:6])


@given(at=st.integers(4, len(_SMALL) - 1), patch=st.binary(min_size=1, max_size=9))
def test_damage_anywhere_is_read_or_refused_but_never_worse(
    tmp_path_factory: pytest.TempPathFactory, at: int, patch: bytes
) -> None:
    path = tmp_path_factory.getbasetemp() / "damaged.gguf"
    path.write_bytes(_SMALL[:at] + patch + _SMALL[at + len(patch) :])

    with suppress(StoreError):
        assert read_gguf(path).size_bytes == path.stat().st_size
    path.unlink()
