"""Find out whether a provider answers: TCP, TLS, and a look at its list of models (`GET {base_url}/models`) with its
key. One that has no such list is only looked for."""

import ssl
import time
from contextlib import closing
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import Final, Literal
from urllib.parse import urlsplit

import msgspec
from msgspec import Struct

from steelyard import __version__
from steelyard.catalog.providers import MODELS
from steelyard.config.providers import ResolvedProvider
from steelyard.core.errors import SteelyardError
from steelyard.gateway.proxy import Proxy, proxy_for
from steelyard.policy.plan import Origin

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


def probe(provider: ResolvedProvider) -> Finding:
    """Ask a provider for its list of models, as the gateway would: same proxies, certificates, key, and headers."""
    subject = f"provider {provider.id}"
    began = time.monotonic()
    try:
        status, _ = _answer(provider, _TIMEOUT_S)
    except (OSError, HTTPException, SteelyardError) as error:
        return Finding(
            "wrong",
            subject,
            f"cannot be reached at {provider.base_url}{_through(provider)}: {_advice(provider, error)}",
        )
    took = f"{(time.monotonic() - began) * 1000:.0f} ms"
    asked = f"HTTP {status} from {_url(provider)}{_through(provider)}"
    if status == 407:
        return Finding("wrong", subject, f"is kept away by the proxy, which wants other credentials ({asked}).")
    if provider.url_of(MODELS) is None:
        return Finding("note", subject, f"answers in {took}, but cannot be asked whether its credentials are right")
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
    except (OSError, HTTPException, SteelyardError, msgspec.MsgspecError, UnicodeDecodeError):
        return None


def _answer(provider: ResolvedProvider, timeout_s: float) -> tuple[int, bytes]:
    headers = {"User-Agent": f"steelyard/{__version__}", "Accept": "application/json"}
    headers |= {name: value.reveal() for name, value in provider.headers.items()}
    if provider.key is not None:
        headers[provider.auth_header] = provider.auth_prefix + provider.key.reveal()
    context = ssl.create_default_context()
    if provider.ca_file is not None:
        context.load_verify_locations(provider.ca_file)
    parts = urlsplit(_url(provider))
    origin = _origin(provider)
    target = f"{parts.path}?{parts.query}" if parts.query else parts.path
    proxy = proxy_for(origin)
    at = (origin.host, origin.port)
    if proxy is not None:
        proxy.check()
        at = (proxy.host, proxy.port)
    connection = (
        HTTPSConnection(*at, timeout=timeout_s, context=context)
        if origin.tls
        else HTTPConnection(*at, timeout=timeout_s)
    )
    if proxy is not None:
        login = _fields(proxy)
        if origin.tls:
            connection.set_tunnel(origin.host, origin.port, login)
        else:
            target = f"http://{origin.authority}{target}"
            headers |= login
            headers["Host"] = origin.authority
    with closing(connection):
        # Unlike urllib, this follows no redirection: the key would go wherever an answer points.
        connection.request("GET", target, headers=headers)
        answer = connection.getresponse()
        return answer.status, answer.read(_LARGEST_LIST)


def _url(provider: ResolvedProvider) -> str:
    return provider.url_of(MODELS) or f"{provider.base_url}/"


def _origin(provider: ResolvedProvider) -> Origin:
    parts = urlsplit(provider.base_url or "")
    tls = parts.scheme == "https"
    return Origin(parts.hostname or "", parts.port or (443 if tls else 80), tls, provider.ca_file)


def _fields(proxy: Proxy) -> dict[str, str]:
    lines = proxy.fields.decode("latin-1").splitlines()
    return {name: value.strip() for name, _, value in (line.partition(":") for line in lines)}


def _through(provider: ResolvedProvider) -> str:
    proxy = proxy_for(_origin(provider))
    return "" if proxy is None else f" through the proxy {proxy.name}"


def _advice(provider: ResolvedProvider, error: Exception) -> str:
    if isinstance(error, SteelyardError):
        return str(error)
    if proxy_for(_origin(provider)) is None:
        return f"{_words(error)}. Check the address."
    return f"{_words(error)}. Check the proxy (HTTP_PROXY, HTTPS_PROXY, ALL_PROXY), or name the provider in NO_PROXY."


def _words(error: Exception) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate does not hold ({error.verify_message})"
    return getattr(error, "strerror", None) or str(error) or type(error).__name__
