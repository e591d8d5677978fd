"""Find out whether a provider answers: TCP, TLS, and `GET {base_url}/models` with its key."""

import ssl
import time
from http.client import HTTPException, HTTPMessage
from typing import IO, Final, Literal
from urllib.error import HTTPError, URLError
from urllib.request import HTTPRedirectHandler, HTTPSHandler, Request, build_opener

import msgspec
from msgspec import Struct

from steelyard import __version__
from steelyard.config.providers import ResolvedProvider

__all__ = ["Finding", "Level", "models_of", "probe"]

Level = Literal["ok", "note", "wrong"]

_TIMEOUT_S: Final = 10.0
_LARGEST_LIST: Final = 8 * 1024 * 1024
_NO_LIST: Final = frozenset({404, 405, 501})


class Finding(Struct, frozen=True):
    """One line of `steelyard check`. `note`: worth knowing, nothing is wrong."""

    level: Level
    subject: str
    text: str


class _Model(Struct):
    id: str


class _List(Struct):
    """OpenAI API reference, "List models"."""

    data: list[_Model]


class _NoRedirect(HTTPRedirectHandler):
    """urllib would send the key on to wherever an answer points."""

    def redirect_request(
        self, req: Request, fp: IO[bytes], code: int, msg: str, headers: HTTPMessage, newurl: str
    ) -> None:
        return None


def probe(provider: ResolvedProvider) -> Finding:
    """Ask a provider for its list of models, as the gateway would: same proxies, certificates, key, and headers."""
    subject = f"provider {provider.id}"
    began = time.monotonic()
    try:
        status, _ = _answer(provider, _TIMEOUT_S)
    except (OSError, HTTPException) as error:
        return Finding(
            "wrong", subject, f"cannot be reached at {provider.base_url}: {_words(error)}. Check the address."
        )
    took = f"{(time.monotonic() - began) * 1000:.0f} ms"
    asked = f"HTTP {status} from {provider.base_url}/models"
    if status in (401, 403):
        what = "its key" if provider.key is not None else "a call without a key"
        return Finding("wrong", subject, f"refuses {what} ({asked}). Check the key, and what it may do.")
    if status in _NO_LIST:
        return Finding("note", subject, f"answers in {took}, but lists no models ({asked})")
    if status >= 400:
        return Finding("wrong", subject, f"answers with an error ({asked}). Check base_url, or try again later.")
    if status >= 300:
        return Finding("wrong", subject, f"sends callers elsewhere ({asked}). Put the final address into base_url.")
    return Finding("ok", subject, f"answers in {took} at {provider.base_url}")


def models_of(provider: ResolvedProvider, timeout_s: float) -> tuple[str, ...] | None:
    """Return the names of the models that a provider lists, or None when nobody who speaks this dialect answers."""
    try:
        status, body = _answer(provider, timeout_s)
        return tuple(model.id for model in msgspec.json.decode(body, type=_List).data) if status == 200 else None
    except (OSError, HTTPException, msgspec.MsgspecError, UnicodeDecodeError):
        return None


def _answer(provider: ResolvedProvider, timeout_s: float) -> tuple[int, bytes]:
    headers = {"User-Agent": f"steelyard/{__version__}", "Accept": "application/json"}
    headers |= {name: value.reveal() for name, value in provider.headers.items()}
    if provider.key is not None:
        headers[provider.auth_header] = provider.auth_prefix + provider.key.reveal()
    context = ssl.create_default_context()
    if provider.ca_file is not None:
        context.load_verify_locations(provider.ca_file)
    opener = build_opener(HTTPSHandler(context=context), _NoRedirect())
    try:
        # The address is the configuration's, checked there to be http or https.
        with opener.open(Request(f"{provider.base_url}/models", headers=headers), timeout=timeout_s) as answer:  # noqa: S310
            return int(answer.status), bytes(answer.read(_LARGEST_LIST))
    except HTTPError as error:
        with error:
            return error.code, b""


def _words(error: Exception) -> str:
    reason = error.reason if isinstance(error, URLError) else error
    if isinstance(reason, ssl.SSLCertVerificationError):
        return f"its certificate does not hold ({reason.verify_message})"
    return getattr(reason, "strerror", None) or str(reason) or type(reason).__name__
