"""The way to the server: TLS, passwords, and what is said when there is none."""

import asyncio
import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest

from steelyard.cli.meeting import meeting_of
from steelyard.config.loader import load_config
from steelyard.core.errors import ConfigError
from steelyard.shared import Ask, StoreLost
from steelyard.shared.store import open_store
from tests.fake import self_signed
from tests.support import free_port
from tests.support.valkey import Valkey


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Valkey]:
    with Valkey(tmp_path_factory.mktemp("valkey")) as server:
        yield server


async def _pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while piece := await reader.read(65_536):
            writer.write(piece)
            await writer.drain()
    except OSError:
        return
    finally:
        writer.close()


async def _outcome(url: str, ca_file: str | None = None) -> str:
    """Return what came of a first question: an epoch, or why there was none."""
    store = open_store(url, "tls", ca_file, 5.0)
    try:
        return (await store.sync("a/x/1", [])).epoch
    except StoreLost as error:
        return str(error)
    finally:
        await store.close()


def test_tls_is_verified_and_a_password_is_told_to_nobody(tmp_path: Path) -> None:
    certificate, key = self_signed(tmp_path, "DNS:localhost")
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate, key)

    async def talk(server: Valkey) -> list[str]:
        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            inner, outer = await asyncio.open_connection("127.0.0.1", server.port)
            await asyncio.gather(_pipe(reader, outer), _pipe(inner, writer))

        listener = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
        port = listener.sockets[0].getsockname()[1]
        try:
            return [
                await _outcome(f"rediss://:top-secret@localhost:{port}/0", str(certificate)),
                await _outcome(f"rediss://:top-secret@localhost:{port}/0"),
                await _outcome(f"rediss://:not-the-secret@localhost:{port}/0", str(certificate)),
            ]
        finally:
            listener.close()
            await asyncio.sleep(0)

    with Valkey(tmp_path, "top-secret") as server:
        found, untrusted, refused = asyncio.run(talk(server))
    assert found.endswith(server_run(found))
    assert "CERTIFICATE_VERIFY_FAILED" in untrusted
    assert "WRONGPASS" in refused or "invalid" in refused
    assert "secret" not in untrusted + refused


def server_run(epoch: str) -> str:
    run = epoch.rpartition(":")[2]
    assert len(run) == 40, epoch
    return run


@pytest.mark.parametrize(
    ("who", "rights", "told"),
    [
        ("gw:wrong-secret", "+@all", "invalid username-password pair"),
        ("gw:top-secret", "+@all -evalsha -eval", "has no permissions to run the 'evalsha' command"),
        ("gw:top-secret", "+@all -hset", "has no permissions to run the 'hset' command"),
        ("gw:top-secret", "+@all resetkeys ~other*", "No permissions to access a key"),
    ],
)
def test_a_user_that_may_not_do_what_is_needed_is_told_what_to_look_at(
    served: Valkey, who: str, rights: str, told: str
) -> None:
    assert served.say(f"ACL SETUSER gw reset on >top-secret ~* &* {rights}") == b"+OK\r\n"

    async def ask() -> StoreLost | None:
        store = open_store(f"redis://{who}@127.0.0.1:{served.port}/0", "acl", None, 5.0)
        try:
            await store.sync("a/x/1", [Ask("calls", "", "gate", 10, "1")])
        except StoreLost as lost:
            return lost
        finally:
            await store.close()
        return None

    lost = asyncio.run(ask())
    assert lost is not None
    assert lost.refused
    text = str(lost).lower()
    assert text.startswith("the server refuses this gateway: ")
    assert told.lower() in text
    assert "check the name and password in url" in text
    assert "secret" not in text


def test_a_server_that_is_not_there_is_told_with_its_address() -> None:
    port = free_port()
    assert f"127.0.0.1:{port}" in asyncio.run(_outcome(f"redis://:secret@127.0.0.1:{port}/0"))


@pytest.mark.parametrize("text", ["http://cache.example:80", "redis://:secret@[::1", "redis://host:secret/0"])
def test_a_url_in_a_file_that_is_none_is_told_without_its_words(tmp_path: Path, text: str) -> None:
    secret = tmp_path / "url"
    secret.write_text(text)
    secret.chmod(0o600)
    file = tmp_path / "steelyard.toml"
    file.write_text('[shared]\nurl = "file:url"\n')
    with pytest.raises(ConfigError) as caught:
        meeting_of(load_config(file, {"HOME": str(tmp_path)}, {}))
    assert "[shared] url" in str(caught.value)
    assert "secret" not in str(caught.value)


def test_what_somebody_else_has_written_is_told_with_what_to_do(served: Valkey) -> None:
    for command, name in (("SET", "writers"), ("SET", "marks")):
        served.say(command, f'"tls {name}"', "junk")
    told = asyncio.run(_outcome(served.url))
    assert told.startswith("what stands there under [shared] prefix was not written by a gateway (WRONGTYPE")
    assert "Delete what begins with that prefix" in told
    served.say("DEL", '"tls writers"', '"tls marks"')
    served.say("HSET", '"tls writers"', "b", "junk")
    assert "was not written by a gateway (" in asyncio.run(_outcome(served.url))
    served.say("DEL", '"tls writers"')
    assert "not written" not in asyncio.run(_outcome(served.url))
