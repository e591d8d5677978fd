"""What the environment says about providers."""

import os
from collections.abc import Mapping

from steelyard.catalog.addresses import base_url_of
from steelyard.catalog.providers import Fact, Provider, provider_table

__all__ = ["fact_of", "key_of", "may_sign", "served_without_configuration"]


def key_of(provider: Provider, env: Mapping[str, str]) -> tuple[str, str] | None:
    """Return the variable that holds the provider's key, and the key; the first variable that is set wins."""
    return _first(provider.key_env, env)


def fact_of(provider: Provider, fact: Fact, env: Mapping[str, str]) -> tuple[str, str] | None:
    """Return the variable that tells a fact of the provider's addresses, and the fact."""
    return _first(provider.facts.get(fact, ()), env)


def may_sign(provider: Provider, env: Mapping[str, str]) -> str | None:
    """Return the variable or the file that promises credentials to sign with, None when nothing does."""
    found = _first(provider.signing_env, env)
    if found is not None:
        return found[0]
    home = env.get("HOME")
    files = (home + name.removeprefix("~") for name in provider.signing_files) if home else ()
    return next((file for file in files if os.path.exists(file)), None)


def served_without_configuration(env: Mapping[str, str]) -> tuple[Provider, ...]:
    """Return the providers that the environment alone makes usable: those with an address, and a key or credentials to
    sign with. Self-hosted ones count only when a variable speaks of them, since a default port does not mean that
    somebody listens. Raises ConfigError, naming the variable, for an address that is none."""
    return tuple(provider for provider in provider_table().values() if _is_served(provider, env))


def _is_served(provider: Provider, env: Mapping[str, str]) -> bool:
    if key_of(provider, env) is None and not _is_mentioned(provider, env):
        return False
    told = {fact: fact_of(provider, fact, env) for fact in provider.facts}
    facts = {str(fact): found[1] for fact, found in told.items() if found is not None}
    return len(facts) == len(told) and base_url_of(provider, env, facts) is not None


def _is_mentioned(provider: Provider, env: Mapping[str, str]) -> bool:
    """Say whether the environment speaks of a provider that needs no key."""
    if provider.signing is not None:
        return may_sign(provider, env) is not None
    return provider.self_hosted and any(env.get(variable, "").strip() for variable in provider.base_url_env)


def _first(variables: tuple[str, ...], env: Mapping[str, str]) -> tuple[str, str] | None:
    for variable in variables:
        value = env.get(variable, "").strip()
        if value:
            return variable, value
    return None
