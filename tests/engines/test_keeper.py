import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from steelyard.config.engine_directory import EngineDirectory, engines_file
from steelyard.config.settings import ModelSettings
from steelyard.core.errors import EngineError, StoreError
from steelyard.engines.engine import Restarts
from steelyard.engines.keeper import Keeper, run_engine
from steelyard.engines.store import ModelStore
from tests.engines import gguf_bytes as gguf
from tests.engines.calls import ask, call, is_alive, until

NAME = "smollm2-135m"
SMALL = {NAME: ModelSettings(context=512, slots=1, threads=1)}
QUICK = Restarts(first_pause_s=0.05, limit=3)


async def eventually(condition: Callable[[], object], within_s: float = 20.0) -> None:
    async with asyncio.timeout(within_s):
        while not condition():  # noqa: ASYNC110  what is waited for happens in another process
            await asyncio.sleep(0.01)


def test_a_model_is_started_on_demand_published_and_stopped(data_dir: Path) -> None:
    directory = EngineDirectory(data_dir)

    async def main() -> None:
        async with Keeper(data_dir, SMALL) as keeper:
            assert keeper.models[NAME].state == "stopped"
            assert directory.address(NAME) is None

            host, port = await directory.ensure(NAME, 60)

            assert directory.address(NAME) == (host, port)
            assert await directory.ensure(NAME, 1) == (host, port)
            assert await asyncio.to_thread(ask, f"http://{host}:{port}", "Say hello.")
            entry = directory.entries()[NAME]
            assert entry.pid is not None

            await keeper.stop(NAME)
            assert directory.address(NAME) is None
            assert not is_alive(entry.pid)
        assert directory.table() is None

    asyncio.run(main())
    assert not engines_file(data_dir).exists()


def test_an_engine_that_is_killed_answers_again(data_dir: Path) -> None:
    async def main() -> None:
        directory = EngineDirectory(data_dir)
        async with Keeper(data_dir, SMALL, restarts=QUICK):
            await directory.ensure(NAME, 60)
            first = directory.entries()[NAME].pid
            assert first is not None

            os.kill(first, signal.SIGKILL)
            await eventually(lambda: directory.address(NAME) is None)
            assert "SIGKILL" in (directory.entries()[NAME].error or "")
            host, port = await directory.ensure(NAME, 60)

            assert await asyncio.to_thread(ask, f"http://{host}:{port}", "Say hello.")
            assert directory.entries()[NAME].pid != first

    asyncio.run(main())


def test_callers_at_once_start_one_engine(data_dir: Path) -> None:
    async def main() -> None:
        directory = EngineDirectory(data_dir)
        async with Keeper(data_dir, SMALL):
            addresses = await asyncio.gather(*(directory.ensure(NAME, 60) for _ in range(5)))
        assert len(set(addresses)) == 1

    asyncio.run(main())
    log = (data_dir / "logs" / f"engine-{NAME}.log").read_text()
    assert log.count(f"engine {NAME}: {{") == 1


def test_an_engine_that_dies_again_and_again_is_given_up_with_its_reason(data_dir: Path) -> None:
    async def main() -> None:
        directory = EngineDirectory(data_dir)
        async with Keeper(data_dir, SMALL, restarts=QUICK) as keeper:
            for _ in range(QUICK.limit):
                await keeper.start(NAME)
                os.kill(keeper.models[NAME].pid or 0, signal.SIGKILL)
                await eventually(lambda: keeper.models[NAME].state != "ready")

            assert keeper.models[NAME].state == "failed"
            with pytest.raises(EngineError, match=r"died 3 times in a row.*SIGKILL"):
                await directory.ensure(NAME, 5)

    asyncio.run(main())


def test_a_model_that_llama_cpp_cannot_load_fails_at_once_with_its_log(data_dir: Path, tmp_path: Path) -> None:
    odd = gguf.whole([gguf.pair("general.architecture", gguf.STRING, gguf.text("odd"))])
    ModelStore(data_dir).pull(str(gguf.write(tmp_path / "odd.gguf", odd)))

    async def main() -> None:
        directory = EngineDirectory(data_dir)
        async with Keeper(data_dir, {}):
            with pytest.raises(EngineError, match="unknown model architecture: 'odd'"):
                await directory.ensure("odd", 30)
            assert directory.entries()["odd"].state == "failed"

    asyncio.run(main())


def test_a_model_that_is_not_stored_is_named_with_the_next_step(data_dir: Path) -> None:
    async def main() -> None:
        async with Keeper(data_dir, {}):
            with pytest.raises(EngineError, match="Pull it: steelyard models pull"):
                await EngineDirectory(data_dir).ensure("nothing", 5)
            with pytest.raises(EngineError, match="cannot name a model"):
                await EngineDirectory(data_dir).ensure("../nothing", 5)

    asyncio.run(main())


def test_without_a_keeper_one_is_told_to_start_it(tmp_path: Path) -> None:
    directory = EngineDirectory(tmp_path)

    assert directory.address(NAME) is None
    with pytest.raises(EngineError, match=f"Start it: steelyard engine {NAME}, or steelyard up"):
        asyncio.run(directory.ensure(NAME, 1))


def test_what_a_killed_keeper_left_is_not_believed(data_dir: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", "pass"]) as gone:
        gone.wait()
    file = engines_file(data_dir)
    file.parent.mkdir(parents=True)
    entry = {"state": "ready", "address": "http://127.0.0.1:9", "pid": gone.pid, "error": None}
    file.write_text(json.dumps({"control": "http://127.0.0.1:9", "pid": gone.pid, "models": {NAME: entry}}))

    assert EngineDirectory(data_dir).address(NAME) is None


def test_a_directory_has_one_keeper(data_dir: Path) -> None:
    async def main() -> None:
        async with Keeper(data_dir, {}):
            with pytest.raises(EngineError, match="Another process keeps the engines"):
                await Keeper(data_dir, {}).__aenter__()
        async with Keeper(data_dir, {}):
            return

    asyncio.run(main())


def test_the_control_api_refuses_pages_and_nonsense(data_dir: Path) -> None:
    async def main() -> None:
        async with Keeper(data_dir, {}):
            table = EngineDirectory(data_dir).table()
            assert table is not None
            control = table.control
            page = await asyncio.to_thread(
                call, control, "POST", f"/start/{NAME}", None, "Origin: http://page.example\r\n"
            )
            assert page[0] == 403
            assert (await asyncio.to_thread(call, control, "GET", "/nowhere"))[0] == 404
            assert (await asyncio.to_thread(call, control, "GET", "/models"))[2][NAME]["state"] == "stopped"
            assert (await asyncio.to_thread(call, control, "GET", "/" + "x" * 20_000))[0] == 400
            assert (await asyncio.to_thread(call, control, "POST", f"/stop/{NAME}"))[0] == 200

    asyncio.run(main())


def test_a_model_that_is_pulled_later_is_published(data_dir: Path, tmp_path: Path) -> None:
    async def main() -> None:
        directory = EngineDirectory(data_dir)
        async with Keeper(data_dir, {}):
            ModelStore(data_dir).pull(str(gguf.write(tmp_path / "late.gguf", gguf.whole())))
            await eventually(lambda: "late" in directory.entries(), within_s=5)

    asyncio.run(main())


def test_reading_an_address_costs_microseconds(data_dir: Path) -> None:
    async def main() -> None:
        directory = EngineDirectory(data_dir)
        async with Keeper(data_dir, {}):
            began = time.thread_time()
            for _ in range(1000):
                directory.address(NAME)
            assert (time.thread_time() - began) / 1000 < 200e-6

    asyncio.run(main())


def test_running_engines_needs_models_that_are_stored(data_dir: Path) -> None:
    with pytest.raises(StoreError, match='No model "nothing"'):
        asyncio.run(run_engine(data_dir, ["nothing"], {}, print))


RUN = """
import asyncio, sys
from pathlib import Path
from steelyard.config.settings import ModelSettings
from steelyard.engines.keeper import run_engine
settings = {"smollm2-135m": ModelSettings(context=512, slots=1, threads=1, start="boot")}
asyncio.run(run_engine(Path(sys.argv[1]), sys.argv[2:], settings, lambda text: print(text, flush=True)))
print("over")
"""


@pytest.mark.parametrize("names", [[NAME], []])
def test_the_command_serves_until_sigterm_and_leaves_no_process(data_dir: Path, names: list[str]) -> None:
    order = [sys.executable, "-c", RUN, str(data_dir), *names]
    environment = {**os.environ, "OPENAI_API_KEY": "sk-very-secret"}
    with subprocess.Popen(order, stdout=subprocess.PIPE, text=True, env=environment) as keeper:
        try:
            assert keeper.stdout is not None
            announced = keeper.stdout.readline()
            assert announced.startswith(f"{NAME} answers at http://127.0.0.1:")
            engine = EngineDirectory(data_dir).entries()[NAME].pid
            assert engine is not None
            assert "very-secret" not in Path(f"/proc/{engine}/environ").read_text()
            keeper.send_signal(signal.SIGTERM)
            assert keeper.wait(5) == 0
            assert keeper.stdout.read() == "over\n"
        finally:
            keeper.kill()
    assert not is_alive(engine)
    assert not engines_file(data_dir).exists()


def test_who_waits_for_a_model_is_told_at_once_that_its_keeper_was_killed(data_dir: Path) -> None:
    async def main(keeper: "subprocess.Popen[str]") -> None:
        directory = EngineDirectory(data_dir)
        waiting = asyncio.create_task(directory.ensure(NAME, 60))
        await eventually(lambda: directory.entries()[NAME].state == "starting")
        keeper.kill()
        async with asyncio.timeout(5):
            with pytest.raises(EngineError, match=f"stopped before local/{NAME} was ready. Start it: steelyard engine"):
                await waiting

    order = [sys.executable, "-c", RUN.replace("boot", "demand"), str(data_dir)]
    with subprocess.Popen(order, stdout=subprocess.PIPE, text=True) as keeper:
        try:
            assert keeper.stdout is not None
            assert keeper.stdout.readline()
            asyncio.run(main(keeper))
        finally:
            keeper.kill()


def test_a_keeper_that_is_killed_takes_its_engines_with_it(data_dir: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", RUN, str(data_dir), NAME], stdout=subprocess.PIPE, text=True
    ) as keeper:
        try:
            assert keeper.stdout is not None
            assert keeper.stdout.readline()
            engine = EngineDirectory(data_dir).entries()[NAME].pid
            assert engine is not None
        finally:
            keeper.kill()
    until(lambda: not is_alive(engine), within_s=5)
    assert EngineDirectory(data_dir).address(NAME) is None
