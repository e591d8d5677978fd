"""The clouds on loopback: Google's token endpoint and metadata server, and AWS's credentials for containers."""

import asyncio
import base64
import json
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self
from urllib.parse import parse_qs

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

__all__ = ["SCOPE", "AwsContainer", "GoogleTokens", "until"]

SCOPE = "https://www.googleapis.com/auth/cloud-platform"


async def until(condition: Callable[[], bool]) -> None:
    """Wait until something is so, five seconds at most."""
    for _ in range(500):
        if condition():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("it did not come to be")


class Loopback:
    """A server whose answers are made by `answer(method, path, headers, body)`: status and JSON."""

    def __init__(self) -> None:
        served = self
        self.calls: list[str] = []
        self.fails_with: int | None = None
        self.takes_s = 0.0

        class Handler(BaseHTTPRequestHandler):
            def _serve(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                served.calls.append(self.path)
                time.sleep(served.takes_s)
                status, fields = served.answer(self.path, dict(self.headers), body)
                told = json.dumps(fields).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(told)))
                self.send_header("Metadata-Flavor", "Google")
                self.end_headers()
                self.wfile.write(told)

            do_GET = do_POST = do_CONNECT = _serve  # noqa: N815 - http.server's names

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def answer(self, path: str, headers: dict[str, str], body: bytes) -> tuple[int, dict[str, Any]]:
        raise NotImplementedError

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class GoogleTokens(Loopback):
    """Google's token endpoint. Refuses an assertion that its service account has not signed, or that says another
    audience, scope or time than it should. `lasts_s` is what tokens last."""

    def __init__(self, lasts_s: float = 3600) -> None:
        super().__init__()
        self.lasts_s = lasts_s
        self.refusals: list[str] = []
        self._key = rsa.generate_private_key(65537, 2048)
        self.given = 0

    def file(self, directory: Path, **changed: object) -> str:
        """Write the service account's file; return its path."""
        pem = self._key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        info = {
            "type": "service_account",
            "project_id": "p",
            "private_key_id": "k1",
            "private_key": pem.decode(),
            "client_email": "gateway@p.iam.gserviceaccount.com",
            "client_id": "1",
            "token_uri": f"{self.url}/token",
            **changed,
        }
        path = directory / "account.json"
        path.write_text(json.dumps(info))
        return str(path)

    def answer(self, path: str, headers: dict[str, str], body: bytes) -> tuple[int, dict[str, Any]]:
        if self.fails_with is not None:
            return self.fails_with, {"error": "invalid_grant", "error_description": "Account not found."}
        asked = {name: values[0] for name, values in parse_qs(body.decode()).items()}
        if path == "/" or path.startswith("/computeMetadata/"):
            return self._metadata(path)
        if asked.get("grant_type") == "urn:ietf:params:oauth:grant-type:jwt-bearer":
            complaint = self._complaint(asked["assertion"])
            if complaint is not None:
                self.refusals.append(complaint)
                return 400, {"error": "invalid_grant", "error_description": complaint}
        elif asked.get("subject_token") != "pod-identity":
            return 400, {"error": "invalid_grant"}
        return 200, self._token()

    def _token(self) -> dict[str, Any]:
        self.given += 1
        return {
            "access_token": f"ya29.token-{self.given}",
            "issued_token_type": "urn:ietf:params:oauth:token-type:access_token",
            "expires_in": self.lasts_s,
            "token_type": "Bearer",
        }

    def _metadata(self, path: str) -> tuple[int, dict[str, Any]]:
        if "/token" in path:
            return 200, self._token()
        return 200, {"email": "m@p.iam.gserviceaccount.com", "scopes": [SCOPE], "aliases": ["default"]}

    def _complaint(self, assertion: str) -> str | None:
        """RFC 7523: the assertion is a JWT, signed with RS256."""
        signed, _, signature = assertion.rpartition(".")
        head, claims = (json.loads(_unpadded(one)) for one in signed.split("."))
        try:
            self._key.public_key().verify(_unpadded(signature), signed.encode(), padding.PKCS1v15(), hashes.SHA256())
        except InvalidSignature:
            return "Invalid JWT Signature."
        now = time.time()
        checks = {
            "alg": head.get("alg") == "RS256",
            "kid": head.get("kid") == "k1",
            "iss": claims["iss"] == "gateway@p.iam.gserviceaccount.com",
            "aud": claims["aud"] in (f"{self.url}/token", "https://oauth2.googleapis.com/token"),
            "scope": claims["scope"] == SCOPE,
            "time": claims["iat"] <= now + 5 and now < claims["exp"] <= claims["iat"] + 3600,
        }
        return next((name for name, good in checks.items() if not good), None)


class AwsContainer(Loopback):
    """The endpoint that gives a container its role's credentials."""

    def __init__(self, lasts_s: Callable[[], float] = lambda: 3600.0) -> None:
        super().__init__()
        self._lasts_s = lasts_s

    def answer(self, path: str, headers: dict[str, str], body: bytes) -> tuple[int, dict[str, Any]]:
        if self.fails_with is not None:
            return self.fails_with, {"code": "NoRole", "message": "No role here."}
        number = len(self.calls)
        until = datetime.now(UTC) + timedelta(seconds=self._lasts_s())
        return 200, {
            "AccessKeyId": f"ASIA{number}",
            "SecretAccessKey": f"secret-{number}",
            "Token": f"session-{number}",
            "Expiration": until.strftime("%Y-%m-%dT%H:%M:%SZ"),
        }


def _unpadded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
