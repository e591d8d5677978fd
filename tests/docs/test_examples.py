"""What stands in the documentation works: commands parse, configurations load, programs run."""

import ast
import importlib.util
import shlex
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import click
import pytest

from steelyard.cli.root import root
from steelyard.config.loader import load_config
from steelyard.core.errors import ConfigError
from tests.docs.pages import REPOSITORY, Block, blocks, pages, read, spans
from tests.fake import TEXT, FakeProvider
from tests.support import GatewayUnderTest, config_text

ANSWER = " ".join(TEXT)


def commands() -> list[str]:
    """Return every command line of ours, from blocks and from the text."""
    lines = [line.strip() for block in blocks("sh", "console", "bash") for line in joined(block).splitlines()]
    lines += [span for page in pages() for span in spans(page.read_text(encoding="utf-8"))]
    return sorted({line for line in map(ours, lines) if line is not None})


def joined(block: Block) -> str:
    return block.text.replace("\\\n", " ")


def ours(line: str) -> str | None:
    """Return the command line from the word `steelyard` on; None when it is another's, or shows only a part."""
    line = line.removeprefix("$ ")
    return line if line.startswith("steelyard ") and "…" not in line and "COMMAND" not in line else None


def parse(command: click.Command, words: list[str], parent: click.Context | None, name: str) -> None:
    """Parse a command line to its last word without running anything. Raises click.ClickException."""
    context = command.make_context(name, words, parent=parent)
    if isinstance(command, click.Group):
        rest = [*context._protected_args, *context.args]
        if rest:
            chosen, below, left = command.resolve_command(context, rest)
            assert below is not None
            parse(below, left, context, chosen or "")


@pytest.mark.parametrize("line", commands())
def test_a_documented_command_line_parses(line: str) -> None:
    words = shlex.split(line, comments=True)[1:]
    try:
        with suppress(click.exceptions.Exit, click.exceptions.NoArgsIsHelpError):  # --help, or a group by its name
            parse(root, words, None, "steelyard")
    except click.ClickException as error:
        raise AssertionError(f"{line}: {error.format_message()}") from error


def test_the_documentation_names_every_command() -> None:
    assert "steelyard quickstart" in commands()
    guides = "".join(page.read_text(encoding="utf-8") for page in pages() if page.name != "cli.md")
    for name in root.list_commands(click.Context(root)):
        if name not in ("bench", "completion"):  # for the repository, and for a shell's own file
            assert f"steelyard {name}" in guides, name


TOML = [(block.page, number, block) for number, block in enumerate(blocks("toml"))]


@pytest.mark.parametrize("block", [block for *_, block in TOML], ids=[f"{page}-{n}" for page, n, _ in TOML])
def test_an_example_of_a_configuration_loads(block: Block, tmp_path: Path) -> None:
    if block.info.split()[1:] == ["fragment"]:
        assert tomllib.loads(block.text)
        return
    file = tmp_path / "steelyard.toml"
    file.write_text(block.text, encoding="utf-8")
    config = load_config(file, {}, {})
    assert config.source == file


def test_the_guide_shows_mistakes_as_they_are_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    lines = ["[server]", 'host = "127.0.0.1"', "prot = 8081", "", "[routes.assistant]", "# Who answers."]
    lines += ['deployments = ["opnai/gpt-4.1"]', 'retries = "2"', ""]
    Path("steelyard.toml").write_text("\n".join(lines))
    with pytest.raises(ConfigError) as error:
        load_config(None, {}, {})
    shown = [block.text for block in blocks("text") if block.page == "docs/guides/configuration.md"]
    assert shown == ["\n".join(error.value.findings) + "\n"]


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GatewayUnderTest]:
    """A gateway whose `local/…` of the examples is the route `assistant` over a provider on loopback."""
    with FakeProvider() as provider:
        config = config_text({"acme": provider.base_url}, routes={"assistant": {"deployments": ["acme/ok"]}})
        with GatewayUnderTest(config, tmp_path_factory.mktemp("docs")) as gateway:
            yield gateway


def here(text: str, gateway: GatewayUnderTest) -> str:
    """Return an example as it is, but for the address and the model."""
    assert "http://127.0.0.1:8080" in text
    return text.replace("http://127.0.0.1:8080", gateway.url).replace("local/smollm2-135m", "assistant")


PROGRAMS = blocks("python")
# OpenAI's SDK is among what tests need, so that programs with it always run.
SDKS = {"import anthropic\n": "anthropic", "from google import genai\n": "google.genai"}


def lacking(program: str) -> str | None:
    """Return the SDK that a program needs and this environment lacks."""
    return next((sdk for line, sdk in SDKS.items() if line in program and not installed(sdk)), None)


def installed(module: str) -> bool:
    with suppress(ModuleNotFoundError):  # of a package in which it would be
        return importlib.util.find_spec(module) is not None
    return False


@pytest.mark.parametrize("block", PROGRAMS, ids=[block.page for block in PROGRAMS])
def test_a_program_runs(block: Block, served: GatewayUnderTest) -> None:
    ast.parse(block.text)
    sdk = lacking(block.text)
    if sdk is not None:
        pytest.skip(f"the SDK {sdk} is not installed")
    done = subprocess.run(
        [sys.executable, "-c", here(block.text, served)], capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stdout.strip()) == (0, ANSWER), done.stderr


CALLS = [block for block in blocks("sh") if block.text.startswith("curl ")]


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
@pytest.mark.parametrize("block", CALLS, ids=[block.page for block in CALLS])
def test_a_call_by_curl_is_answered(block: Block, served: GatewayUnderTest) -> None:
    words = shlex.split(here(joined(block), served))
    done = subprocess.run([*words, "--silent", "--fail"], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert ANSWER in done.stdout


def test_there_are_programs_and_calls_to_run() -> None:
    assert any(line in block.text for block in PROGRAMS for line in SDKS)
    assert any(lacking(block.text) is None for block in PROGRAMS)
    assert CALLS


def test_the_image_is_built_from_what_the_package_needs() -> None:
    allowed = {line[1:] for line in read(".dockerignore").splitlines() if line.startswith("!")}
    copied = {
        word
        for line in read("Dockerfile").splitlines()
        if line.startswith("COPY ") and "--from" not in line
        for word in line.split()[1:-1]
    }
    assert copied
    assert copied <= allowed
    for name in copied:
        assert (REPOSITORY / name).exists(), name
