"""Every code, metric, header, path and variable of the source is documented, and nothing else is."""

import importlib
import re
from collections.abc import Iterator
from typing import Any, get_args

import pytest

from steelyard.core.exchange import Outcome
from steelyard.gateway.surface import ENDPOINTS, endpoint_of
from steelyard.gateway.surface import PAGES as SURFACE_PAGES
from tests.docs.codes import SOURCE, Found, emitted
from tests.docs.pages import cells, read, spans


@pytest.fixture(scope="module")
def found() -> list[Found]:
    """Every code of the source: read for the tests, not whenever tests are listed."""
    return emitted()


def documented() -> dict[str, list[str]]:
    """Return status, meaning and advice of each code on the page."""
    rows = cells(read("docs/reference/errors.md"))
    assert len({row[0] for row in rows}) == len(rows), "a code stands twice"
    return {row[0].strip("`"): row[1:] for row in rows}


def test_every_code_of_the_source_is_documented(found: list[Found]) -> None:
    missing = {one.code for one in found} - documented().keys()
    assert not missing, "add them to docs/reference/errors.md"


def test_every_documented_code_is_in_the_source(found: list[Found]) -> None:
    assert documented().keys() <= {one.code for one in found}


def test_codes_that_are_passed_through_functions_are_found(found: list[Found]) -> None:
    codes = {one.code for one in found}
    assert {"missing_field", "unsupported_content", "upstream_timeout_idle", "stored_elsewhere"} <= codes


def test_each_code_is_documented_with_its_status_and_what_to_do(found: list[Found]) -> None:
    told = documented()
    assert found
    for one in found:
        status, meaning, advice = told[one.code]
        assert str(one.status) in status, one
        assert meaning.endswith("."), one
        assert advice.rstrip("`").endswith((".", "…")), one


def metrics_of(name: str) -> set[str]:
    return set(re.findall(r"\bsteelyard_[a-z_]+\b", (SOURCE / name).read_text(encoding="utf-8")))


PLACES = (
    "gateway/borrowers.py",
    "gateway/meter.py",
    "gateway/metrics_page.py",
    "gateway/health.py",
    "gateway/limiter.py",
    "gateway/shedding.py",
    "gateway/waiting_line.py",
    "metrics/readers.py",
    "gateway/cached.py",
)
EXPORTED = set().union(*map(metrics_of, PLACES))


def test_every_metric_is_documented_and_every_documented_one_exists() -> None:
    exported = EXPORTED
    rows = cells(read("docs/reference/metrics.md"))
    assert {row[0].strip("`") for row in rows if row[0].startswith("`steelyard_")} == exported


def test_metrics_in_expressions_exist() -> None:
    exported = EXPORTED
    for page in (
        "docs/guides/limits.md",
        "docs/guides/metrics.md",
        "docs/guides/routes.md",
        "docs/guides/ledger.md",
        "docs/design/record.md",
    ):
        for name in re.findall(r"\bsteelyard_[a-z_]+\b", read(page)):
            assert name.removesuffix("_bucket") in exported, page


def test_every_outcome_is_documented() -> None:
    named = {row[0].strip("`") for row in cells(read("docs/reference/metrics.md"))}
    assert set(get_args(Outcome)) <= named


METHODS = ("generateContent", "streamGenerateContent", "countTokens")


def test_every_path_is_documented() -> None:
    text = read("docs/reference/http.md")
    named = set(spans(text))
    assert {*ENDPOINTS, *SURFACE_PAGES} <= named
    assert {f"/v1beta/models/NAME:{method}" for method in METHODS} <= named
    assert {"/v1/responses/ID", "/v1/responses/ID/input_items"} <= named


@pytest.mark.parametrize("path", sorted({*ENDPOINTS, *(f"/v1beta/models/NAME:{method}" for method in METHODS)}))
def test_a_path_that_models_answer_is_documented_with_request_and_answer(path: str) -> None:
    (row,) = [row for row in cells(read("docs/reference/http.md")) if f"`{path}`" in row[0]]
    assert len(row) == 4
    assert endpoint_of(path.encode()) is not None
    assert all(row)


def byte_strings(value: Any) -> Iterator[str]:
    if isinstance(value, bytes):
        yield value.decode()
        return
    for one in value.values() if isinstance(value, dict) else value:
        yield from byte_strings(one)


@pytest.mark.parametrize(("module", "constant"), [("gateway.heads", "_FORWARDED"), ("gateway.answers", "NOT_PASSED")])
def test_headers_that_are_passed_on_or_kept_back_are_documented(module: str, constant: str) -> None:
    names = set(byte_strings(getattr(importlib.import_module(f"steelyard.{module}"), constant)))
    assert names
    assert names <= set(spans(read("docs/reference/headers.md")))


def test_headers_that_say_who_calls_and_how_are_documented() -> None:
    source = "".join((SOURCE / f"gateway/{name}.py").read_text("utf-8") for name in ("access", "detour", "surface"))
    names = set(re.findall(r'headers\.get\(b"([a-z-]+)"', source)) | set(re.findall(r'b"([a-z-]+)" in headers', source))
    assert {"authorization", "x-api-key", "x-goog-api-key", "x-steelyard-strict", "anthropic-version"} <= names
    assert names <= set(spans(read("docs/reference/headers.md")))


def test_our_own_headers_are_documented() -> None:
    gateway = "".join(file.read_text(encoding="utf-8") for file in (SOURCE / "gateway").glob("*.py"))
    own = set(re.findall(r"\b(?:x-steelyard-[a-z-]+|(?:x-)?request-id)\b", gateway))
    assert own
    assert own <= set(spans(read("docs/reference/headers.md")))


def test_every_variable_of_ours_is_documented() -> None:
    source = "".join(file.read_text(encoding="utf-8") for file in SOURCE.rglob("*.py"))
    ours = set(re.findall(r'"(STEELYARD_[A-Z_]+|HF_ENDPOINT|HF_TOKEN)"', source))
    assert {"STEELYARD_CONFIG", "STEELYARD_HOME"} <= ours
    assert ours <= set(spans(read("docs/reference/environment.md")))
