"""Other people's clients, unmodified, in front of a gateway: each of their programs runs once, and tests look at what
it saw.

The environment that the programs need is made while all other tests run; they are the last.
"""

import json
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, TypeAlias

import pytest

from tests.clients.environment import Environment, Making
from tests.fake import FakeProvider
from tests.support import GatewayUnderTest, config_text

Told: TypeAlias = Mapping[str, Mapping[str, Any]]
"""What each check of a program saw, by the upstream."""

_PROGRAM_S = 180.0
_DIALECTS = {
    "up-openai": ("openai", "/v1"),
    "up-openai-responses": ("openai-responses", "/v1"),
    "up-anthropic": ("anthropic", "/v1"),
    # The name of the third generation makes the gateway heed the signatures of calls.
    "up-gemini-3": ("gemini", "/v1beta"),
}
_making = pytest.StashKey[Making]()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Put the programs' tests last, and begin to make their environment."""
    own = [item for item in items if isinstance(item, pytest.Function) and hasattr(item.module, "PROGRAM")]
    # Backwards: pydantic-ai takes three times as long as the others, which would be done and wait for it.
    own.sort(key=lambda item: item.path, reverse=True)
    of_programs = set(own)
    items[:] = [*(item for item in items if item not in of_programs), *own]
    if own and not config.option.collectonly and _making not in config.stash:
        config.stash[_making] = Making()


def pytest_unconfigure(config: pytest.Config) -> None:
    """Leave no process behind when the tests are broken off."""
    if _making in config.stash:
        config.stash[_making].stop()


@pytest.fixture(scope="session")
def environment(pytestconfig: pytest.Config) -> Environment:
    """The environment of the programs; where it cannot be made, their tests are skipped."""
    made = pytestconfig.stash[_making].wait()
    if isinstance(made, str):
        pytest.skip(made)
    return made


@pytest.fixture(scope="session")
def served(environment: Environment, tmp_path_factory: pytest.TempPathFactory) -> Iterator[GatewayUnderTest]:
    """A gateway in front of one provider that speaks four dialects, with a route to each one's tools."""
    with FakeProvider() as provider:
        providers = {
            name: {"dialect": dialect, "base_url": provider.url + path, "api_key": "env:FAKE_KEY"}
            for name, (dialect, path) in _DIALECTS.items()
        }
        routes = {f"tools-{name}": {"deployments": [f"{name}/scene:tools:{name}-route"]} for name in _DIALECTS}
        config = config_text(providers, routes=routes)
        with GatewayUnderTest(config, tmp_path_factory.mktemp("clients"), env={"FAKE_KEY": "sk-fake"}) as gateway:
            yield gateway
        assert provider.malformed == []
        assert provider.failures == []


@pytest.fixture(scope="module")
def told(
    environment: Environment,
    served: GatewayUnderTest,
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
) -> Told:
    """What the module's program saw: it runs once."""
    module = request.module
    return _run(environment.command(module.PROGRAM, served.url, *module.UPSTREAMS), tmp_path_factory.mktemp("home"))


def _run(command: list[str], home: Path) -> Told:
    # Whoever asks another host than the gateway gets no answer.
    nowhere = "http://127.0.0.1:9"
    env = {"PATH": "/usr/bin:/bin", "HOME": str(home), "HTTPS_PROXY": nowhere, "HTTP_PROXY": nowhere}
    env["NO_PROXY"] = "127.0.0.1"
    done = subprocess.run(command, env=env, cwd=home, capture_output=True, text=True, timeout=_PROGRAM_S)
    assert done.returncode == 0, f"{command}: exit code {done.returncode}\n{done.stdout}\n{done.stderr}"
    answers: Told = json.loads(done.stdout.splitlines()[-1])
    return answers
