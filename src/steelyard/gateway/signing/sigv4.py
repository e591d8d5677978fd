"""AWS Signature Version 4 (IAM User Guide, "Create a signed AWS API request"), by botocore's signer, with credentials
from its chain: variables, profile (AWS_PROFILE), single sign-on, container and instance roles."""

from typing import Any, Final

from msgspec import Struct

from steelyard.core.errors import UpstreamError
from steelyard.gateway.signing.library import library
from steelyard.gateway.signing.renewal import Renewal, unavailable

__all__ = ["AwsSigner"]

_EXTRA: Final = "bedrock"


class _Keys(Struct, frozen=True):
    """One set of credentials, under the names by which botocore's signer knows them."""

    access_key: str
    secret_key: str
    token: str | None


class _Chain:
    """botocore's chain of credentials."""

    def __init__(self) -> None:
        self._credentials: Any = None
        self.keys: _Keys | None = None
        self.secrets: tuple[bytes, ...] = ()

    def get(self) -> None:
        exceptions = library("botocore.exceptions", _EXTRA)
        session = library("botocore.session", _EXTRA)
        library("botocore.auth", _EXTRA)
        try:
            if self._credentials is None:
                self._credentials = session.Session().get_credentials()
            if self._credentials is None:
                raise unavailable(
                    "AWS's were not found. Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE, or "
                    "AWS_BEARER_TOKEN_BEDROCK, or give the machine a role."
                )
            found = self._credentials.get_frozen_credentials()
        except (exceptions.BotoCoreError, exceptions.ClientError, RuntimeError, OSError) as error:
            # RuntimeError: what was renewed has expired already.
            raise unavailable(f"AWS's could not be got. {error}") from None
        self._keep(_Keys(found.access_key, found.secret_key, found.token or None))

    def last(self, seconds: float) -> bool:
        if self.keys is None:
            return False
        needed = getattr(self._credentials, "refresh_needed", None)  # lasting ones have none
        return needed is None or not needed(refresh_in=seconds)

    def _keep(self, keys: _Keys) -> None:
        for one in (keys.access_key, keys.secret_key, keys.token or ""):
            if not one.isascii() or any(char <= " " for char in one):
                raise unavailable("AWS's hold a space or a line's end. Are they copied right?")
        if keys != self.keys:
            now = tuple(one.encode() for one in (keys.secret_key, keys.token) if one)
            self.secrets = now + self.secrets[:2]
            self.keys = keys


class AwsSigner:
    """Signs calls to one service of AWS ("bedrock") in one region. A key of Bedrock's own (AWS_BEARER_TOKEN_BEDROCK)
    needs no signature: it is an API key."""

    __slots__ = ("_chain", "_region", "_renewal", "_service")

    def __init__(self, service: str, region: str) -> None:
        self._service = service
        self._region = region
        self._chain = _Chain()
        self._renewal = Renewal(self._chain)

    def ready(self) -> bool:
        return self._renewal.ready()

    async def prepare(self) -> None:
        await self._renewal.prepare()

    def fields(self, host: str, path: str, body: bytes) -> bytes:
        """Return `X-Amz-Date`, `X-Amz-Security-Token` where there is one, and `Authorization`, which signs these, the
        host, the path and the body."""
        keys = self._chain.keys
        if keys is None:
            raise UpstreamError(
                "A call was to be signed before there were credentials.", code="credentials_unavailable"
            )
        request = library("botocore.awsrequest", _EXTRA).AWSRequest(
            "POST", f"https://{host}{path}", headers={"Host": host}, data=body
        )
        library("botocore.auth", _EXTRA).SigV4Auth(keys, self._service, self._region).add_auth(request)
        lines = [f"{name}: {value}\r\n" for name, value in request.headers.items() if name != "Host"]
        return "".join(lines).encode("ascii")

    def secrets(self) -> tuple[bytes, ...]:
        return self._chain.secrets
