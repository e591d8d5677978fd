"""Google's tokens, from a token endpoint on loopback that checks who asks."""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from steelyard.core.errors import UpstreamError
from steelyard.gateway.signing import Signer
from steelyard.gateway.signing.google import GoogleSigner
from tests.gateway.signing.clouds import SCOPE, GoogleTokens, until


@pytest.fixture
def google() -> Iterator[GoogleTokens]:
    with GoogleTokens() as served:
        yield served


@pytest.fixture(autouse=True)
def nothing_of_this_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Leave Google's own tools nothing to find, and no metadata server but ours to ask."""
    for name in ("GOOGLE_APPLICATION_CREDENTIALS", "GOOGLE_CLOUD_PROJECT", "GOOGLE_CLOUD_QUOTA_PROJECT"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("CLOUDSDK_CONFIG", str(tmp_path / "none"))
    monkeypatch.setenv("NO_GCE_CHECK", "true")
    monkeypatch.setenv("NO_PROXY", "*")


def fields(signer: Signer) -> bytes:
    return signer.fields("europe-west1-aiplatform.googleapis.com", "/v1/x", b"{}")


def test_a_service_account_gets_a_token_for_what_it_has_signed(google: GoogleTokens, tmp_path: Path) -> None:
    async def run() -> None:
        signer = GoogleSigner(SCOPE, google.file(tmp_path))
        assert not signer.ready()
        assert signer.secrets() == ()
        await signer.prepare()
        assert signer.ready()
        assert fields(signer) == b"Authorization: Bearer ya29.token-1\r\n"
        assert signer.secrets() == (b"ya29.token-1",)
        await signer.prepare()

    asyncio.run(run())
    assert google.calls == ["/token"]
    assert google.refusals == []


def test_another_accounts_key_is_refused_and_the_error_says_so(google: GoogleTokens, tmp_path: Path) -> None:
    with GoogleTokens() as other:
        file = other.file(tmp_path, token_uri=f"{google.url}/token")
    with pytest.raises(UpstreamError, match=r"Google gave no token.*Invalid JWT Signature") as caught:
        asyncio.run(GoogleSigner(SCOPE, file).prepare())
    assert caught.value.code == "credentials_unavailable"
    assert google.refusals == ["Invalid JWT Signature."]


def test_all_who_wait_share_one_attempt(google: GoogleTokens, tmp_path: Path) -> None:
    google.takes_s = 0.1

    async def run() -> None:
        signer = GoogleSigner(SCOPE, google.file(tmp_path))
        await asyncio.gather(*(signer.prepare() for _ in range(20)))
        assert signer.ready()

    asyncio.run(run())
    assert len(google.calls) == 1


def test_who_stops_waiting_does_not_stop_the_others(google: GoogleTokens, tmp_path: Path) -> None:
    google.takes_s = 0.2

    async def run() -> None:
        signer = GoogleSigner(SCOPE, google.file(tmp_path))
        impatient = asyncio.ensure_future(signer.prepare())
        patient = asyncio.ensure_future(signer.prepare())
        await asyncio.sleep(0.05)
        impatient.cancel()
        await patient
        assert impatient.cancelled()
        assert signer.ready()

    asyncio.run(run())
    assert len(google.calls) == 1


def test_a_token_is_renewed_in_the_background_before_it_ends(google: GoogleTokens, tmp_path: Path) -> None:
    google.lasts_s = 200  # soon enough for a renewal, and not too soon for calls

    async def run() -> None:
        signer = GoogleSigner(SCOPE, google.file(tmp_path))
        await signer.prepare()
        # The attempt before was just now; another one waits its time.
        assert signer.ready()
        assert len(google.calls) == 1
        signer._renewal._tried -= 10
        google.lasts_s = 3600
        assert signer.ready()
        assert fields(signer) == b"Authorization: Bearer ya29.token-1\r\n"
        await until(lambda: signer.secrets()[0] == b"ya29.token-2")
        assert fields(signer) == b"Authorization: Bearer ya29.token-2\r\n"
        # A call that is under way carries the one before.
        assert signer.secrets() == (b"ya29.token-2", b"ya29.token-1")
        assert signer.ready()

    asyncio.run(run())
    assert len(google.calls) == 2


def test_a_failed_renewal_leaves_the_token_that_works(google: GoogleTokens, tmp_path: Path) -> None:
    google.lasts_s = 200

    async def run() -> None:
        signer = GoogleSigner(SCOPE, google.file(tmp_path))
        await signer.prepare()
        google.fails_with = 401
        signer._renewal._tried -= 10
        assert signer.ready()
        await until(lambda: signer._renewal._attempt is not None and signer._renewal._attempt.done())
        assert len(google.calls) == 2
        assert signer.ready()
        assert fields(signer) == b"Authorization: Bearer ya29.token-1\r\n"

    asyncio.run(run())


def test_an_expired_token_is_not_used(google: GoogleTokens, tmp_path: Path) -> None:
    google.lasts_s = 5

    async def run() -> None:
        signer = GoogleSigner(SCOPE, google.file(tmp_path))
        await signer.prepare()
        assert not signer.ready()
        google.lasts_s = 3600
        await signer.prepare()
        assert signer.ready()
        assert fields(signer) == b"Authorization: Bearer ya29.token-2\r\n"

    asyncio.run(run())


def test_after_a_failure_the_next_call_tries_again(google: GoogleTokens, tmp_path: Path) -> None:
    google.fails_with = 400

    async def run() -> None:
        signer = GoogleSigner(SCOPE, google.file(tmp_path))
        with pytest.raises(UpstreamError, match=r"invalid_grant: Account not found\."):
            await signer.prepare()
        assert not signer.ready()
        google.fails_with = None
        await signer.prepare()
        assert signer.ready()

    asyncio.run(run())


def test_a_workload_gets_a_token_for_the_identity_that_its_platform_gives(google: GoogleTokens, tmp_path: Path) -> None:
    (tmp_path / "subject").write_text("pod-identity")
    info = {
        "type": "external_account",
        "audience": "//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/p/providers/k8s",
        "subject_token_type": "urn:ietf:params:oauth:token-type:jwt",
        "token_url": f"{google.url}/sts",
        "credential_source": {"file": str(tmp_path / "subject")},
        "quota_project_id": "payer",
    }
    file = tmp_path / "workload.json"
    file.write_text(json.dumps(info))

    async def run() -> None:
        signer = GoogleSigner(SCOPE, str(file))
        await signer.prepare()
        assert fields(signer) == b"Authorization: Bearer ya29.token-1\r\nX-Goog-User-Project: payer\r\n"

    asyncio.run(run())


def test_a_user_who_has_logged_in_is_known_to_google_and_through_the_proxy(
    google: GoogleTokens, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    info = {"type": "authorized_user", "client_id": "c", "client_secret": "s", "refresh_token": "r"}
    file = tmp_path / "user.json"
    file.write_text(json.dumps(info))
    google.fails_with = 403
    monkeypatch.delenv("NO_PROXY")
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.setenv("HTTPS_PROXY", google.url)
    monkeypatch.setenv("https_proxy", google.url)
    with pytest.raises(UpstreamError, match="Google gave no token"):
        asyncio.run(GoogleSigner(SCOPE, str(file)).prepare())
    assert set(google.calls) == {"oauth2.googleapis.com:443"}


def test_the_machines_own_identity_is_found(google: GoogleTokens) -> None:
    program = """
import asyncio, sys
from steelyard.gateway.signing.google import GoogleSigner
signer = GoogleSigner(sys.argv[1])
asyncio.run(signer.prepare())
print(signer.fields("h", "/", b"").decode().strip())
"""
    # Google's library looks at these when it is loaded.
    host = google.url.removeprefix("http://")
    metadata = dict.fromkeys(("GCE_METADATA_HOST", "GCE_METADATA_ROOT", "GCE_METADATA_IP"), host)
    env = {name: value for name, value in os.environ.items() if name != "NO_GCE_CHECK"}
    told = subprocess.run(
        [sys.executable, "-c", program, SCOPE], env={**env, **metadata}, capture_output=True, text=True, check=False
    )
    assert told.stdout.strip() == "Authorization: Bearer ya29.token-1", told.stderr


def test_the_file_that_google_names_is_found(
    google: GoogleTokens, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", google.file(tmp_path))

    async def run() -> None:
        signer = GoogleSigner(SCOPE)
        await signer.prepare()
        assert fields(signer) == b"Authorization: Bearer ya29.token-1\r\n"

    asyncio.run(run())


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (None, r"The credentials file cannot be read: No such file or directory\.$"),
        ("not JSON", r"The credentials file is not JSON\.$"),
        ("[]", "has type None"),
        ('{"type": "gdch"}', "has type 'gdch'"),
        ('{"type": "service_account"}', "client_email"),
    ],
)
def test_a_file_that_holds_no_credentials_is_told_without_its_place(
    text: str | None, complaint: str, tmp_path: Path
) -> None:
    file = tmp_path / "account.json"
    if text is not None:
        file.write_text(text)
    with pytest.raises(UpstreamError, match=complaint) as caught:
        asyncio.run(GoogleSigner(SCOPE, str(file)).prepare())
    assert str(tmp_path) not in str(caught.value)


def test_nothing_found_is_an_error_that_says_what_to_do() -> None:
    with pytest.raises(UpstreamError, match="default credentials were not found"):
        asyncio.run(GoogleSigner(SCOPE).prepare())


def test_the_extra_is_named_where_the_library_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "google.auth", None)
    with pytest.raises(UpstreamError, match=r"Run: pip install 'steelyard\[vertex\]'$"):
        asyncio.run(GoogleSigner(SCOPE).prepare())


def test_a_call_is_not_sent_before_there_is_a_token() -> None:
    with pytest.raises(UpstreamError):
        fields(GoogleSigner(SCOPE))
