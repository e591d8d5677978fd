"""What whoever signs calls must know, and whether the environment lets calls be signed at all."""

import os
from collections.abc import Mapping

from msgspec import Struct

from steelyard.catalog.environment import may_sign
from steelyard.catalog.providers import Provider
from steelyard.config.settings import ProviderSettings

__all__ = ["SigningFacts", "credentials_file", "no_credentials"]


class SigningFacts(Struct, frozen=True):
    """What whoever signs the calls of a target must know. `service` is what a signature is for: AWS's name of it
    ("bedrock"), or Google's OAuth scope; `region` is AWS's. `credentials` is the path of Google's credentials file;
    None: as the cloud's own tools find them (variables, profile, the machine's identity)."""

    service: str
    region: str | None = None
    credentials: str | None = None


def credentials_file(settings: ProviderSettings, provider: Provider, env: Mapping[str, str]) -> str | None:
    """Return the file with Google's credentials that is named, None when none is."""
    if provider.signing != "google":
        return None
    if settings.credentials is not None:
        return settings.credentials.removeprefix("file:")
    return env.get("GOOGLE_APPLICATION_CREDENTIALS", "").strip() or None


def no_credentials(
    provider: Provider, settings: ProviderSettings | None, file: str | None, env: Mapping[str, str]
) -> str | None:
    """Return why a provider's calls cannot be signed, None when they may be.

    A section in steelyard.toml is taken at its word: the machine's identity may do, and only a call would show.
    """
    if file is not None and not os.access(file, os.R_OK):
        return f'The file with the credentials for provider "{provider.id}", {file}, cannot be read.'
    if file is not None or settings is not None or may_sign(provider, env) is not None:
        return None
    variables = (*provider.key_env, *provider.signing_env[:2])
    return (
        f'No credentials for provider "{provider.id}". Set {" or ".join(variables)}, '
        f"or add [providers.{provider.id}] to steelyard.toml where this machine's own identity may call."
    )
