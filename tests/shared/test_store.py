"""The way to the server: TLS, passwords, and what is said when there is none."""

import asyncio
import ssl
from pathlib import Path

import pytest

from steelyard.cli.meeting import meeting_of
from steelyard.config.loader import load_config
from steelyard.core.errors import ConfigError
from steelyard.shared import StoreLost
from steelyard.shared.store import open_store
from tests.fake import self_signed
from tests.support import free_port
from tests.support.valkey import Valkey


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
