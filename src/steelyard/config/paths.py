"""Make the paths of a configuration absolute, so that it means the same wherever a process runs."""

import os
from collections.abc import Mapping
from pathlib import Path

from msgspec import structs

from steelyard.config.settings import Config, ProviderSettings

__all__ = ["absolute", "with_absolute_paths"]


def absolute(text: str, env: Mapping[str, str], base: Path) -> Path:
    """Return the path that `text` names: `~` is the user's home (HOME), anything relative lies below `base`."""
    home = env.get("HOME")
    if home and (text == "~" or text.startswith("~/")):
        text = home + text[1:]
    return Path(os.path.abspath(base / os.path.expanduser(text)))


def with_absolute_paths(config: Config, env: Mapping[str, str], base: Path) -> Config:
    """Return the configuration with data directory, `file:` references, certificates and log absolute, from `base`."""
    url = config.ledger.url
    cards = config.policy.cards
    access = config.log.access
    if access and access != "-":
        access = str(absolute(access, env, base))
    return structs.replace(
        config,
        server=structs.replace(config.server, data_dir=absolute(str(config.server.data_dir), env, base)),
        providers={name: _provider(provider, env, base) for name, provider in config.providers.items()},
        policy=structs.replace(config.policy, cards=cards and absolute(str(cards), env, base)),
        ledger=structs.replace(config.ledger, url=url and _reference(url, env, base)),
        shared=structs.replace(
            config.shared,
            url=config.shared.url and _reference(config.shared.url, env, base),
            ca_file=config.shared.ca_file and str(absolute(config.shared.ca_file, env, base)),
        ),
        log=structs.replace(config.log, access=access),
    )


def _provider(provider: ProviderSettings, env: Mapping[str, str], base: Path) -> ProviderSettings:
    return structs.replace(
        provider,
        api_key=provider.api_key and _reference(provider.api_key, env, base),
        headers={name: _reference(value, env, base) for name, value in provider.headers.items()},
        credentials=provider.credentials and _reference(provider.credentials, env, base),
        ca_file=provider.ca_file and str(absolute(provider.ca_file, env, base)),
    )


def _reference(reference: str, env: Mapping[str, str], base: Path) -> str:
    kind, _, name = reference.partition(":")
    return f"file:{absolute(name, env, base)}" if kind == "file" and name else reference
