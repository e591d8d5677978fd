"""Fixtures for everybody: a provider on loopback, and gateways in front of it."""

import gc
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

import pytest

from tests.fake import FakeProvider
from tests.support import GatewayUnderTest, config_text


def pytest_configure() -> None:
    """Heed Ctrl-C, and have programs under test heed it, where whoever started the tests does not: a shell's `&`."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    # llama.cpp's threads wait for each other in OpenMP's barriers: several workers leave them no core to spin on.
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    gc.disable()  # until all tests are collected: what collecting makes stays


def pytest_collection_finish() -> None:
    """Have the garbage collector leave alone what is there before the first test: it would look through it for ever."""
    gc.freeze()
    gc.enable()


class StartGateway(Protocol):
    """Start a gateway; without a configuration, one whose provider `acme` is the fixture `provider`."""

    def __call__(
        self, config: str | None = None, *, env: dict[str, str] | None = None, arguments: tuple[str, ...] = ()
    ) -> GatewayUnderTest: ...


def clean_provider() -> Iterator[FakeProvider]:
    """Give a provider that must have received only clean HTTP, and must not have broken itself."""
    with FakeProvider() as provider:
        yield provider
        assert provider.malformed == []
        assert provider.failures == []


provider = pytest.fixture(clean_provider)


@pytest.fixture
def gateway(tmp_path: Path, provider: FakeProvider) -> Iterator[StartGateway]:
    """A factory of gateways, which are stopped after the test and must end cleanly."""
    started: list[GatewayUnderTest] = []

    def start(
        config: str | None = None, *, env: dict[str, str] | None = None, arguments: tuple[str, ...] = ()
    ) -> GatewayUnderTest:
        directory = tmp_path / f"gateway-{len(started)}"
        directory.mkdir()
        text = config if config is not None else config_text({"acme": provider.base_url})
        started.append(GatewayUnderTest(text, directory, env=env, arguments=arguments))
        return started[-1]

    try:
        yield start
        for one in started:
            one.stop()
    finally:
        for one in started:
            one.kill()
