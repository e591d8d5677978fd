"""AWS's signatures, computed again from the documentation."""

import asyncio
import hashlib
import hmac
import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest

from steelyard.core.errors import UpstreamError
from steelyard.dialects.bedrock import path_of
from steelyard.gateway.signing import Signer
from steelyard.gateway.signing.sigv4 import AwsSigner
from tests.gateway.signing.clouds import AwsContainer, until

HOST = "bedrock-runtime.us-east-1.amazonaws.com"
PATH = path_of("us.anthropic.claude-sonnet-4-5-20250929-v1:0", stream=True)
BODY = '{"messages": [{"role": "user", "content": [{"text": "Grüße"}]}]}'.encode()


@pytest.fixture(autouse=True)
def nothing_of_this_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Leave the chain nothing to find, and no metadata server to ask."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("NO_PROXY", "*")


@pytest.fixture
def container(monkeypatch: pytest.MonkeyPatch) -> Iterator[AwsContainer]:
    with AwsContainer() as served:
        monkeypatch.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", f"{served.url}/role")
        yield served


def signature(secret: str, canonical: str, date: str, region: str, service: str) -> str:
    """IAM User Guide, "Create a signed AWS API request", steps 2 to 4."""
    scope = f"{date[:8]}/{region}/{service}/aws4_request"
    to_sign = f"AWS4-HMAC-SHA256\n{date}\n{scope}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
    key = f"AWS4{secret}".encode()
    for part in (date[:8], region, service, "aws4_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    return hmac.digest(key, to_sign.encode(), "sha256").hex()


def canonical(path: str, headers: dict[str, str], body: bytes, method: str = "POST") -> str:
    """Step 1. The path is encoded once more: it is so for every service but S3."""
    lines = "".join(f"{name}:{headers[name].strip()}\n" for name in sorted(headers))
    names = ";".join(sorted(headers))
    uri = quote(path, safe="/-_.~")
    return f"{method}\n{uri}\n\n{lines}\n{names}\n{hashlib.sha256(body).hexdigest()}"


def test_the_computation_here_gives_the_published_signatures() -> None:
    """AWS's test suite for version 4: get-vanilla, post-vanilla."""
    secret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
    headers = {"host": "example.amazonaws.com", "x-amz-date": "20150830T123600Z"}
    date = headers["x-amz-date"]
    published = {
        "GET": "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31",
        "POST": "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b",
    }
    for method, expected in published.items():
        assert signature(secret, canonical("/", headers, b"", method), date, "us-east-1", "service") == expected


def told(signer: Signer, host: str = HOST, path: str = PATH, body: bytes = BODY) -> dict[str, str]:
    lines = signer.fields(host, path, body).decode("ascii")
    assert lines.endswith("\r\n")
    return dict(line.split(": ", 1) for line in lines.removesuffix("\r\n").split("\r\n"))


def check(fields: dict[str, str], access: str, secret: str, token: str | None, host: str = HOST) -> None:
    date = fields["X-Amz-Date"]
    headers = {"host": host, "x-amz-date": date, **({"x-amz-security-token": token} if token else {})}
    expected = signature(secret, canonical(PATH, headers, BODY), date, "us-east-1", "bedrock")
    assert fields["Authorization"] == (
        f"AWS4-HMAC-SHA256 Credential={access}/{date[:8]}/us-east-1/bedrock/aws4_request, "
        f"SignedHeaders={';'.join(sorted(headers))}, Signature={expected}"
    )
    assert fields.get("X-Amz-Security-Token") == token
    assert set(fields) == {"X-Amz-Date", "Authorization", *(["X-Amz-Security-Token"] if token else [])}


def test_keys_of_the_environment_sign(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")

    async def run() -> None:
        signer = AwsSigner("bedrock", "us-east-1")
        assert not signer.ready()
        assert signer.secrets() == ()
        await signer.prepare()
        assert signer.ready()
        check(told(signer), "AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", None)
        assert signer.secrets() == (b"wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",)
        other = "127.0.0.1:9001"
        check(told(signer, other), "AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", None, other)

    asyncio.run(run())


def test_a_profile_signs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "credentials").write_text("[work]\naws_access_key_id = A\naws_secret_access_key = S\n")
    monkeypatch.setenv("AWS_PROFILE", "work")

    async def run() -> None:
        signer = AwsSigner("bedrock", "us-east-1")
        await signer.prepare()
        check(told(signer), "A", "S", None)

    asyncio.run(run())


def test_a_containers_role_signs_with_its_token(container: AwsContainer) -> None:
    async def run() -> None:
        signer = AwsSigner("bedrock", "us-east-1")
        await asyncio.gather(*(signer.prepare() for _ in range(10)))
        assert signer.ready()
        check(told(signer), "ASIA1", "secret-1", "session-1")
        assert signer.secrets() == (b"secret-1", b"session-1")

    asyncio.run(run())
    assert container.calls == ["/role"]


def test_a_roles_credentials_are_renewed_in_the_background(monkeypatch: pytest.MonkeyPatch) -> None:
    # botocore itself asks again at once for what lasts under fifteen minutes; afterwards they last for an hour.
    lasting = iter([200.0, 200.0])
    with AwsContainer(lambda: next(lasting, 3600.0)) as container:
        monkeypatch.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", f"{container.url}/role")

        async def run() -> None:
            signer = AwsSigner("bedrock", "us-east-1")
            await signer.prepare()
            signer._renewal._tried -= 10
            assert signer.ready()
            said = told(signer)
            # While they are renewed the old ones are used; on a busy machine the new ones may be there already.
            number = "2" if "=ASIA2/" in said["Authorization"] else "3"
            check(said, f"ASIA{number}", f"secret-{number}", f"session-{number}")
            await until(lambda: signer.secrets()[0] == b"secret-3")
            check(told(signer), "ASIA3", "secret-3", "session-3")
            assert signer.secrets() == (b"secret-3", b"session-3", b"secret-2", b"session-2")
            assert signer.ready()

        asyncio.run(run())
        assert len(container.calls) == 3


def test_expired_credentials_are_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    with AwsContainer(lambda: 5.0) as container:
        monkeypatch.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", f"{container.url}/role")

        async def run() -> None:
            signer = AwsSigner("bedrock", "us-east-1")
            await signer.prepare()
            assert not signer.ready()
            before = len(container.calls)
            await signer.prepare()
            assert len(container.calls) > before

        asyncio.run(run())


@pytest.mark.slow  # botocore tries three times
def test_a_role_that_cannot_be_had_is_told(container: AwsContainer) -> None:
    container.fails_with = 404

    async def run() -> None:
        signer = AwsSigner("bedrock", "us-east-1")
        with pytest.raises(UpstreamError, match=r"AWS's could not be got\..*container-role") as caught:
            await signer.prepare()
        assert caught.value.code == "credentials_unavailable"
        assert not signer.ready()
        container.fails_with = None
        await signer.prepare()
        assert signer.ready()

    asyncio.run(run())


def test_nothing_found_is_an_error_that_says_what_to_do() -> None:
    with pytest.raises(UpstreamError, match="Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE"):
        asyncio.run(AwsSigner("bedrock", "us-east-1").prepare())


def test_a_profile_that_is_not_there_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "elsewhere")
    with pytest.raises(UpstreamError, match=r"The config profile \(elsewhere\) could not be found"):
        asyncio.run(AwsSigner("bedrock", "us-east-1").prepare())


def test_a_key_with_a_lines_end_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKID")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret\r\nX-Evil: 1")
    with pytest.raises(UpstreamError, match=r"Are they copied right\?") as caught:
        asyncio.run(AwsSigner("bedrock", "us-east-1").prepare())
    assert "Evil" not in str(caught.value)


def test_the_extra_is_named_where_the_library_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "botocore.session", None)
    with pytest.raises(UpstreamError, match=r"Run: pip install 'steelyard\[bedrock\]'$"):
        asyncio.run(AwsSigner("bedrock", "us-east-1").prepare())


def test_a_call_is_not_signed_before_there_are_credentials() -> None:
    with pytest.raises(UpstreamError):
        AwsSigner("bedrock", "us-east-1").fields(HOST, PATH, BODY)


def test_the_path_of_a_model_is_signed_as_encoded_twice() -> None:
    assert "%253A" in canonical(PATH, {"host": HOST}, BODY)
    assert re.search(r"v1%3A0/converse-stream$", PATH)
