"""Google's access tokens (Google Identity, "Using OAuth 2.0 for Server to Server Applications"), by google-auth: from a
credentials file, or from where Google's own tools find them ("Application Default Credentials")."""

import json
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, Final

from msgspec import Struct

from steelyard.core.errors import UpstreamError
from steelyard.gateway.signing.library import library
from steelyard.gateway.signing.renewal import Renewal, unavailable

__all__ = ["GoogleSigner"]

_EXTRA: Final = "vertex"
_MOST_WAIT_S: Final = 15


class _Token(Struct, frozen=True):
    """`until` is in UTC; None: for ever. `project` is who pays, where the credentials say it."""

    value: str
    until: datetime | None
    project: str | None


class _Credentials:
    """A token, and what gets others."""

    def __init__(self, file: Path | None, scope: str) -> None:
        self._file = file
        self._scope = scope
        self._credentials: Any = None
        self.token: _Token | None = None
        self.secrets: tuple[bytes, ...] = ()

    def get(self) -> None:
        auth = library("google.auth", _EXTRA)
        exceptions = library("google.auth.exceptions", _EXTRA)
        requests = library("google.auth.transport.requests", _EXTRA)
        try:
            if self._credentials is None:
                self._credentials = (
                    self._from_file(self._file) if self._file is not None else auth.default(scopes=[self._scope])[0]
                )
            found = self._credentials
            found.refresh(partial(requests.Request(), timeout=_MOST_WAIT_S))
        except (exceptions.GoogleAuthError, ValueError, OSError) as error:
            raise unavailable(f"Google gave no token. {_told(error)}") from None
        value = found.token
        if not isinstance(value, str) or not value.isascii() or any(char <= " " for char in value):
            raise unavailable("Google's answer has no token that can be sent.")
        until = found.expiry.replace(tzinfo=UTC) if found.expiry is not None else None
        if self.token is None or value != self.token.value:
            self.secrets = (value.encode(), *self.secrets[:1])
        self.token = _Token(value, until, getattr(found, "quota_project_id", None))

    def last(self, seconds: float) -> bool:
        token = self.token
        if token is None:
            return False
        return token.until is None or token.until - datetime.now(UTC) > timedelta(seconds=seconds)

    def _from_file(self, file: Path) -> Any:
        info = json.loads(file.read_text(encoding="utf-8"))
        kind = info.get("type") if isinstance(info, dict) else None
        match kind:
            case "service_account":
                made = library("google.oauth2.service_account", _EXTRA).Credentials
                return made.from_service_account_info(info, scopes=[self._scope])
            case "authorized_user":
                made = library("google.oauth2.credentials", _EXTRA).Credentials
                return made.from_authorized_user_info(info, scopes=[self._scope])
            case "external_account":
                made = library("google.auth.identity_pool", _EXTRA).Credentials
                return made.from_info(info, scopes=[self._scope])
        raise ValueError(
            f"The credentials file has type {kind!r}, not service_account, authorized_user or external_account."
        )


def _told(error: Exception) -> str:
    """Return what Google says: the first of several values that its errors have is the sentence. Of files, not where
    they lie: clients read this."""
    if isinstance(error, OSError) and error.strerror:
        return f"The credentials file cannot be read: {error.strerror}."
    if isinstance(error, json.JSONDecodeError | UnicodeDecodeError):
        return "The credentials file is not JSON."
    return str(error.args[0]) if error.args and isinstance(error.args[0], str) else str(error)


class GoogleSigner:
    """Gives calls to Google's APIs their token, for one OAuth scope. `file` is the path of a credentials file (JSON): a
    service account's key, a user's credentials, or a workload identity's; None: as Google's own tools find them."""

    __slots__ = ("_credentials", "_renewal")

    def __init__(self, scope: str, file: str | None = None) -> None:
        self._credentials = _Credentials(Path(file) if file is not None else None, scope)
        self._renewal = Renewal(self._credentials)

    def ready(self) -> bool:
        return self._renewal.ready()

    async def prepare(self) -> None:
        await self._renewal.prepare()

    def fields(self, host: str, path: str, body: bytes) -> bytes:
        """Return `Authorization`, and who pays, where the credentials say it. They are alike for all calls."""
        token = self._credentials.token
        if token is None:
            raise UpstreamError("A call was to be sent before there was a token.", code="credentials_unavailable")
        lines = f"Authorization: Bearer {token.value}\r\n"
        if token.project:
            # Cloud Quotas, "Set the quota project": a user's credentials belong to no project.
            lines += f"X-Goog-User-Project: {token.project}\r\n"
        return lines.encode("ascii")

    def secrets(self) -> tuple[bytes, ...]:
        return self._credentials.secrets
