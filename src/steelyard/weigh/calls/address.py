"""Where the gateway is called."""

from ipaddress import ip_address
from urllib.parse import urlsplit

from steelyard.config.settings import ServerSettings
from steelyard.core.errors import ConfigError

__all__ = ["address_of"]


def address_of(server: ServerSettings, given: str | None = None) -> str:
    """Return the gateway's address, without a slash at its end: the one given, or where `[server]` listens.

    A gateway that listens on all addresses is called on this machine's own. Raises ConfigError for what is no address.
    """
    if given is None:
        return f"http://{_reachable(server.host)}:{server.port}"
    try:
        place = urlsplit(given)
        valid = place.scheme in ("http", "https") and place.hostname and place.port != 0
    except ValueError:
        valid = False
    if not valid or place.query or place.fragment or place.username is not None:
        raise ConfigError(f'"{given}" is no address of a gateway. Write it like http://127.0.0.1:8080')
    return given.rstrip("/").removesuffix("/v1")


def _reachable(host: str) -> str:
    try:
        address = ip_address(host.strip("[]"))
    except ValueError:
        return host
    if address.is_unspecified:
        return "127.0.0.1" if address.version == 4 else "[::1]"
    return str(address) if address.version == 4 else f"[{address}]"
