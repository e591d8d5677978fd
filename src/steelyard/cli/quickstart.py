"""`steelyard quickstart`: from nothing to a model that answers, with one command."""

import asyncio
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import click
from msgspec import Struct

from steelyard.cli.asking import Question, ask
from steelyard.cli.child import Event, Member
from steelyard.cli.crew import clerk_member, engine_member, gateway_members
from steelyard.cli.demonstration import demonstrated, print_demonstration
from steelyard.cli.edge import INTERRUPTED
from steelyard.cli.engine import LOCAL_MISSING, has_local_extra
from steelyard.cli.jsons import print_json
from steelyard.cli.ledger_of import ledger_of
from steelyard.cli.listeners import Listeners, listen
from steelyard.cli.narrator import Narrator, words_of
from steelyard.cli.options import config_option, json_option, read_config
from steelyard.cli.passkey import passkey
from steelyard.cli.pulling import pull_with_bar
from steelyard.cli.renewal import Renewal
from steelyard.cli.shown import console
from steelyard.cli.supervisor import Supervisor
from steelyard.cli.visible import visible
from steelyard.cli.welcome import Result, other_providers, print_result, result_row
from steelyard.config.engine_directory import EngineDirectory
from steelyard.config.settings import Config
from steelyard.core.errors import ConfigError, EngineError, StoreError
from steelyard.core.exchange import Exchange
from steelyard.engines.store import ModelStore
from steelyard.ledger.queries import show

__all__ = ["quickstart"]

_QUESTION = "What is a balance scale used for? Answer in two sentences."
_BOOKED_S = 20.0
_LOOK_S = 0.1
_TOLD_LINES = 12


@click.command()
@config_option
@click.option("--port", type=click.IntRange(0, 65535), metavar="N", help="Port to listen on, for [server] port.")
@click.option(
    "--model", default="smollm2-135m", show_default=True, metavar="SOURCE", help="As for `steelyard models pull`."
)
@click.option("--once", is_flag=True, help="Stop after the first answer.")
@json_option
def quickstart(config_path: Path | None, port: int | None, model: str, once: bool, as_json: bool) -> int:
    """Fetch a small model, serve it, ask it one question, and go on serving until Ctrl-C.

    The model is fetched once. Engine, gateway and clerk run as under `steelyard up`; what the answer cost is read from
    the ledger. Then recorded results of real models are weighed, where the extra `weigh` is installed. Providers whose
    keys are in the environment are served too. Exit code 1: something failed; 2: the port is taken, or the
    configuration is wrong.
    """
    if not has_local_extra():
        raise ConfigError(LOCAL_MISSING)
    config = read_config(config_path, {"port": port})
    listeners = listen(config.server.host, config.server.port, config.server.workers)
    store = ModelStore(config.server.data_dir)
    name = (store.find_model(model) if "/" not in model and ":" not in model else None) or pull_with_bar(store, model)
    members = [
        *gateway_members(config, config_path, None, listeners),
        engine_member(config, config_path, name.name),
        clerk_member(config_path),
    ]
    order = _Order(
        config, config_path, f"http://{_called(config.server.host)}:{listeners.port}", name.name, once, as_json
    )
    return asyncio.run(_Quickstart(order, members, listeners).run())


class _Order(Struct, frozen=True):
    config: Config
    config_path: Path | None
    address: str
    model: str
    once: bool
    as_json: bool


class _Quickstart:
    """Supervisor and demonstration side by side: whichever ends first decides."""

    def __init__(self, order: _Order, members: list[Member], listeners: Listeners) -> None:
        self._order = order
        self._narrator = Narrator(as_json=False)
        # A new gateway that cannot do with the configuration says so itself, and the old one goes on.
        renewal = Renewal(order.config.server.data_dir, lambda: ())
        self._supervisor = Supervisor(members, self._hear, listeners, renewal)
        self._awaited = {member.name for member in members}
        self._all_ready = asyncio.Event()
        self._failed: str | None = None
        self._said: dict[str, list[str]] = {}
        self._shown = False

    async def run(self) -> int:
        serving = asyncio.create_task(self._supervisor.run())
        showing = asyncio.create_task(self._show())
        await asyncio.wait([serving, showing], return_when=asyncio.FIRST_COMPLETED)
        if not showing.done():
            showing.cancel()
            await asyncio.wait([showing])
        error = None if showing.cancelled() else showing.exception()
        if self._order.once or showing.cancelled() or error is not None:
            self._supervisor.stop()
        code = await serving
        if self._failed is not None:
            raise EngineError(self._failed)
        if error is not None:
            raise error
        return code or (INTERRUPTED if showing.cancelled() else 0)

    async def _show(self) -> None:
        """Ask the model, and print what came of it."""
        order = self._order
        stream = sys.stderr if order.as_json else sys.stdout
        with passkey(order.config.server.data_dir) as key:
            with _status("Starting the engine, the gateway and the clerk …"):
                await self._until_ready()
            print(f"> {_QUESTION}", file=stream, flush=True)
            question = Question(order.address, f"local/{order.model}", _QUESTION, key)
            answer = await ask(question, lambda text: print(visible(text, lines=True), end="", file=stream, flush=True))
            print("\n", file=stream, flush=True)
        exchange = await self._booked(answer.exchange)
        result = Result(order.address, question.model, answer, exchange, key is not None, other_providers())
        if order.as_json:
            print_json({**result_row(result), "demo": await demonstrated(order.config_path)})
        else:
            print_result(result)
            print(flush=True)
            await print_demonstration(order.config_path)
        if not order.once:
            print(f"\nServing at {order.address}/v1 until Ctrl-C.", file=stream, flush=True)
        self._shown = True

    async def _until_ready(self) -> None:
        await self._all_ready.wait()
        if self._failed is not None:
            raise EngineError(self._failed)
        entry = EngineDirectory(self._order.config.server.data_dir).entries().get(self._order.model)
        if entry is None or entry.state != "ready":
            self._fail((entry and entry.error) or self._words_of("engine"))
            raise EngineError(self._failed)

    async def _booked(self, exchange_id: str) -> Exchange:
        """Return the exchange as soon as the clerk has it in the ledger."""
        end = time.monotonic() + _BOOKED_S
        with closing(ledger_of(self._order.config)) as ledger:
            while True:
                try:
                    return show(ledger, exchange_id).exchange
                except StoreError as error:
                    if time.monotonic() > end:
                        raise EngineError(f"The clerk did not take the answer into the ledger: {error}") from error
                await asyncio.sleep(_LOOK_S)

    def _hear(self, event: Event) -> None:
        """Wait for all to be ready; whoever dies before that ends the attempt. Later, tell what happens."""
        if self._shown:
            if event.kind != "ended":
                self._narrator(event)
            return
        self._said.setdefault(event.member, []).extend(words_of(event))
        if event.kind == "ready":
            self._awaited.discard(event.member)
            if not self._awaited:
                self._all_ready.set()
        if event.kind == "died" and event.member in self._awaited:
            self._fail(f"The {event.member} could not be started.\n{self._words_of(event.member)}")

    def _words_of(self, member: str) -> str:
        return "\n".join(self._said.get(member, [])[-_TOLD_LINES:])

    def _fail(self, text: str) -> None:
        self._failed = self._failed or text
        self._all_ready.set()


def _called(host: str) -> str:
    """Return the address that reaches a server which listens on `host`."""
    if host in ("0.0.0.0", "::", ""):
        return "127.0.0.1" if host != "::" else "[::1]"
    return f"[{host}]" if ":" in host else host


@contextmanager
def _status(text: str) -> Iterator[None]:
    """Show that something is under way: it turns on a terminal, and is a line elsewhere."""
    if sys.stderr.isatty():
        with console(stderr=True).status(text):
            yield
        return
    print(text, file=sys.stderr, flush=True)
    yield
