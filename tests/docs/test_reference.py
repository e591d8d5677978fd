"""Every code, metric, header, path and variable of the source is documented, and nothing else is."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final, get_args

import pytest

import steelyard
from steelyard.core import errors
from steelyard.core.errors import CallError
from steelyard.core.exchange import Outcome
from steelyard.gateway.call import Phase
from steelyard.gateway.surface import ENDPOINTS
from steelyard.gateway.surface import PAGES as SURFACE_PAGES
from tests.docs.pages import cells, read, spans

SOURCE: Final = Path(steelyard.__file__).parent
STATUS: Final = {
    name: one for name, one in vars(errors).items() if isinstance(one, type) and issubclass(one, CallError)
}
# A call that waits for its next attempt ends by its total time (`Call.expire`); the others name their phase.
TIMEOUTS: Final = {*get_args(Phase), "total"} - {"wait"}


def emitted() -> Iterator[tuple[str, int]]:
    """Yield each code that the source gives to an error of a call, with the error's status."""
    for file in SOURCE.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in STATUS:
                kind = STATUS[node.func.id]
                given = next((word.value for word in node.keywords if word.arg == "code"), None)
                yield from ((code, kind.status) for code in codes_of(given, kind))


def codes_of(given: ast.expr | None, kind: type[CallError]) -> list[str]:
    match given:
        case None:
            return [kind.code]
        case ast.Constant(value=str(code)):
            return [code]
        case ast.JoinedStr(values=[ast.Constant(value="upstream_timeout_"), ast.FormattedValue()]):
            return [f"upstream_timeout_{phase}" for phase in TIMEOUTS]
        case ast.Attribute(attr="code"):
            return []  # another error's code, handed on
        case _:
            raise AssertionError(f"a code that this test cannot read: {ast.unparse(given)}")


def documented() -> dict[str, str]:
    return {row[0].strip("`"): row[1] for row in cells(read("docs/reference/errors.md"))}


def test_every_code_of_the_source_is_documented() -> None:
    known = documented()
    missing = {code for code, _ in emitted()} - known.keys()
    assert not missing, "add them to docs/reference/errors.md"


def test_every_documented_code_is_in_the_source() -> None:
    assert documented().keys() <= {code for code, _ in emitted()}


@pytest.mark.parametrize(("code", "status"), sorted(set(emitted())))
def test_a_code_is_documented_with_its_status(code: str, status: int) -> None:
    assert str(status) in documented()[code]


def metrics_of(name: str) -> set[str]:
    return set(re.findall(r"\bsteelyard_[a-z_]+\b", (SOURCE / name).read_text(encoding="utf-8")))


def test_every_metric_is_documented_and_every_documented_one_exists() -> None:
    exported = metrics_of("gateway/meter.py") | metrics_of("gateway/gateway.py")
    rows = cells(read("docs/reference/metrics.md"))
    assert {row[0].strip("`") for row in rows if row[0].startswith("`steelyard_")} == exported


def test_metrics_in_expressions_exist() -> None:
    exported = metrics_of("gateway/meter.py") | metrics_of("gateway/gateway.py")
    for page in ("docs/guides/metrics.md", "docs/guides/routes.md", "docs/guides/ledger.md", "docs/design/record.md"):
        for name in re.findall(r"\bsteelyard_[a-z_]+\b", read(page)):
            assert name.removesuffix("_bucket") in exported, page


def test_every_outcome_is_documented() -> None:
    named = {row[0].strip("`") for row in cells(read("docs/reference/metrics.md"))}
    assert set(get_args(Outcome)) <= named


def test_every_path_is_documented() -> None:
    named = set(spans(read("docs/reference/http.md")))
    assert {*ENDPOINTS, *SURFACE_PAGES} <= named


def header_names(module: str, constant: str) -> set[str]:
    """Return the byte strings in the value of a module's constant."""
    for node in ast.parse((SOURCE / module).read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and node.targets[0].id == constant:
            return {
                one.value.decode()
                for one in ast.walk(node.value)
                if isinstance(one, ast.Constant) and isinstance(one.value, bytes)
            }
    raise AssertionError(f"{module} has no {constant}")


@pytest.mark.parametrize(
    ("module", "constant"), [("gateway/gateway.py", "_FORWARDED"), ("gateway/answers.py", "NOT_PASSED")]
)
def test_headers_that_are_passed_on_or_kept_back_are_documented(module: str, constant: str) -> None:
    names = header_names(module, constant)
    assert names
    assert names <= set(spans(read("docs/reference/headers.md")))


def test_our_own_headers_are_documented() -> None:
    gateway = "".join(file.read_text(encoding="utf-8") for file in (SOURCE / "gateway").glob("*.py"))
    own = set(re.findall(r"\bx-(?:steelyard-[a-z-]+|request-id)\b", gateway))
    assert own
    assert own <= set(spans(read("docs/reference/headers.md")))


def test_every_variable_of_ours_is_documented() -> None:
    source = "".join(file.read_text(encoding="utf-8") for file in SOURCE.rglob("*.py"))
    ours = set(re.findall(r'"(STEELYARD_[A-Z_]+|HF_ENDPOINT|HF_TOKEN)"', source))
    assert {"STEELYARD_CONFIG", "STEELYARD_HOME"} <= ours
    assert ours <= set(spans(read("docs/reference/environment.md")))
