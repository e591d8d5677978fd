"""Say what is wrong with a URL or with the name of a header, without repeating it: it may hold a secret."""

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final
from urllib.parse import SplitResult, parse_qsl, urlsplit

from steelyard.config.secrets import is_reference, read_secret_file, reference_complaint, resolve
from steelyard.core.errors import ConfigError

__all__ = [
    "base_url_complaint",
    "header_name_complaint",
    "ledger_url_complaint",
    "resolve_ledger_url",
    "resolve_shared_url",
    "shared_url_complaint",
]

# RFC 9110, section 5.6.2: token = 1*tchar.
_TOKEN: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
# Headers that frame a message or belong to one connection (RFC 9110, section 7.6.1; RFC 9112, section 6). The gateway
# writes them itself; a second one would let a request be read in two ways.
_OURS: Final = frozenset(
    {
        "connection",
        "content-encoding",
        "content-length",
        "content-type",
        "expect",
        "host",
        "keep-alive",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)
_SHARED_SCHEMES: Final = ("redis", "rediss", "valkey", "valkeys", "unix")
# Of all that redis-py takes from a query, what does not change how the gateway asks and reads.
_SHARED_OPTIONS: Final = ("db", "username", "password")
_TLS_OPTIONS: Final = ("ssl_cert_reqs", "ssl_check_hostname", "ssl_certfile", "ssl_keyfile")
_HOST: Final = re.compile(r"[\w.:%-]+")
_PORT: Final = "its port is no number from 1 to 65535"
_DATABASE: Final = re.compile("[0-9]{1,9}")
_LEDGER_SCHEMES: Final = ("sqlite", "postgresql", "postgresql+psycopg")


def base_url_complaint(url: str) -> str | None:
    """Return what is wrong with a provider's base URL (`https://HOST[:PORT]/PATH`), or `None`."""
    parts = _split(url)
    if parts is None or parts.scheme not in ("http", "https"):
        return 'expected a URL with http or https, like "https://api.example.com/v1"'
    if "@" in parts.netloc:
        return "a URL must not hold a name or a password; put the key into api_key, as a reference"
    if not parts.hostname:
        return "the URL names no host"
    if "?" in url or "#" in url:
        return "the URL must end with its path: paths such as /chat/completions are added to it"
    return None


def ledger_url_complaint(url: str) -> str | None:
    """Return what is wrong with `[ledger] url`, a reference or a SQLAlchemy URL without a password, or `None`."""
    if is_reference(url):
        return reference_complaint(url)
    if _has_password(url.partition("://")[2]):
        return 'holds a password; put the whole URL into a variable or a file and write "env:NAME" or "file:PATH" here'
    return _ledger_scheme_complaint(url)


def resolve_ledger_url(
    url: str | None, env: Mapping[str, str], read_file: Callable[[Path], bytes] = read_secret_file
) -> str | None:
    """Return the SQLAlchemy URL that `[ledger] url` stands for, with its password; `None` means SQLite.

    Raise ConfigError, without the URL in it, when a reference leads nowhere or to something else.
    """
    if url is None or not is_reference(url):
        return url
    resolved = resolve(url, env, read_file)
    wrong = _ledger_scheme_complaint(resolved)
    if wrong is not None:
        raise ConfigError(f"[ledger] url: what {url} stands for is wrong: {wrong}.")
    return resolved


def shared_url_complaint(url: str) -> str | None:
    """Return what is wrong with `[shared] url`, a reference or a URL without a password, or `None`."""
    if is_reference(url):
        return reference_complaint(url)
    if "@" in url or "password=" in url.lower():
        return 'holds a password; put the whole URL into a variable or a file and write "env:NAME" or "file:PATH" here'
    return _server_complaint(url)


def resolve_shared_url(url: str, env: Mapping[str, str], read_file: Callable[[Path], bytes] = read_secret_file) -> str:
    """Return the URL that `[shared] url` stands for, with its password, in Redis's schemes. Raise ConfigError, without
    the URL in it, when a reference leads nowhere or to something else."""
    resolved = resolve(url, env, read_file) if is_reference(url) else url
    wrong = _server_complaint(resolved)
    if wrong is not None:
        raise ConfigError(
            f"[shared] url: what {f'{url} stands for' if is_reference(url) else 'it says'} is wrong: {wrong}."
        )
    return "redis" + resolved.removeprefix("valkey") if resolved.startswith("valkey") else resolved


def _server_complaint(url: str) -> str | None:
    """Return what is wrong with the URL of a Valkey or Redis server, or `None`. What the client (redis-py,
    `connection.parse_url`) would pass over in silence, or stumble over when it connects, is a mistake here."""
    scheme, colon, rest = url.partition("://")
    if not colon or scheme not in _SHARED_SCHEMES:
        return 'expected a URL like "redis://127.0.0.1:6379/0", or with rediss:// for TLS'
    if not url.isprintable():
        return "holds a control character"
    if "#" in rest:
        return 'holds "#", behind which nothing is read; in a password it is written %23'
    try:
        parts = urlsplit(url)
        place = (parts.hostname, parts.port)
    except ValueError:
        return f"{_PORT}; in a password / is written %2F and ? %3F" if "@" in rest else _PORT
    wrong = _socket_complaint(parts) if scheme == "unix" else _place_complaint(*place)
    return wrong or _database_complaint(parts)


def _socket_complaint(parts: SplitResult) -> str | None:
    if parts.hostname or len(parts.path) < 2:
        return 'expected the path of a socket, like "unix:///run/valkey.sock"'
    return None


def _place_complaint(host: str | None, port: int | None) -> str | None:
    if not host:
        return "names no host"
    if not _HOST.fullmatch(host):
        return "names a host that is none: one server is asked, not several"
    return _PORT if port == 0 else None


def _database_complaint(parts: SplitResult) -> str | None:
    """Return what is wrong with what follows the place: the number of a database, and what else is asked for."""
    known = _SHARED_OPTIONS + (_TLS_OPTIONS if parts.scheme in ("rediss", "valkeys") else ())
    asked = parse_qsl(parts.query, keep_blank_values=True)
    options = dict(asked)
    if len(options) < len(asked) or not options.keys() <= set(known):
        return f"behind the question mark there may be, once each: {', '.join(known)}"
    databases = [options["db"]] if "db" in options else []
    if parts.scheme != "unix" and parts.path not in ("", "/"):
        databases.append(parts.path[1:])
    if len(databases) > 1:
        return "names a database twice"
    if databases and not _DATABASE.fullmatch(databases[0]):
        return 'its database is no number, like the 0 of "redis://127.0.0.1:6379/0"'
    return None


def _ledger_scheme_complaint(url: str) -> str | None:
    scheme, colon, _ = url.partition("://")
    if not colon or scheme not in _LEDGER_SCHEMES:
        return f"expected a URL that begins with {' or '.join(f'{name}://' for name in _LEDGER_SCHEMES)}"
    return None if url.isprintable() else "holds a control character"


def header_name_complaint(name: str) -> str | None:
    """Return why a header of this name cannot be sent to a provider, or `None`."""
    if not _TOKEN.fullmatch(name):
        return "not the name of a header"
    if name.lower() in _OURS:
        return "the gateway writes this header itself"
    return None


def _split(url: str) -> SplitResult | None:
    # urlsplit drops tabs and newlines silently (bpo-43882), so they are looked for first.
    if not url.isascii() or any(not "!" <= letter <= "~" for letter in url):
        return None
    try:
        parts = urlsplit(url)
        _ = parts.port  # raises when it is no number up to 65535
    except ValueError:
        return None
    return parts


def _has_password(rest: str) -> bool:
    """Whether `//NAME:PASSWORD@HOST` or libpq's `?password=` follows the scheme."""
    authority, _, tail = rest.partition("/")
    userinfo, at, _ = authority.rpartition("@")
    # A slash in a password that was not escaped moves the rest of the user info into the tail.
    stray = ":" in authority and "@" in tail.split("?")[0]
    return bool(at and ":" in userinfo) or stray or "password=" in tail.lower()
