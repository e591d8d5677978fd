"""The cache in the server that gateways share."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from steelyard.config.settings import CacheSettings, SharedSettings
from steelyard.config.urls import resolve_shared_url
from steelyard.core.errors import ConfigError, StoreError

if TYPE_CHECKING:
    from steelyard.cache.server import ServerCache

__all__ = ["server_cache"]


def server_cache(shared: SharedSettings, cache: CacheSettings) -> ServerCache:
    """Return the cache in the server of `[shared]`. Nothing is connected to as yet. Raises StoreError."""
    if shared.url is None:
        raise StoreError('[cache] store = "shared" takes [shared] url, which takes effect after a restart.')
    try:
        # An extra: only those import a client who share something.
        from steelyard.cache.server import open_server  # noqa: PLC0415
    except ImportError as error:
        raise StoreError(
            f'[cache] store = "shared" needs a package that is not installed ({error.name}). Install it: '
            "pip install 'steelyard[shared]'"
        ) from None
    try:
        url = resolve_shared_url(shared.url, os.environ)
        return open_server(url, shared.prefix, shared.ca_file, cache.max_disk_bytes, cache.ttl_s)
    except (ConfigError, ValueError, OSError) as error:
        raise StoreError(
            str(error) if isinstance(error, ConfigError) else "[shared] url is no URL of a server."
        ) from None
