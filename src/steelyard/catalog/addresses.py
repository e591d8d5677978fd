"""Where a provider is called: base URLs from what people put into variables, and the paths of endpoints."""

from collections.abc import Mapping
from urllib.parse import quote, urlsplit

from steelyard.catalog.providers import MODELS, Provider
from steelyard.core.errors import ConfigError

__all__ = ["base_url_of", "endpoint_urls", "filled", "leads_elsewhere", "trimmed"]


def base_url_of(provider: Provider, env: Mapping[str, str], facts: Mapping[str, str] | None = None) -> str | None:
    """Return where the provider is called: the first of its variables that is set, made whole, or its own address,
    with `facts` in it.

    Raises ConfigError, naming the variable, when that holds no address.
    """
    for variable in provider.base_url_env:
        value = env.get(variable, "").strip().strip("\"'")
        if value:
            return _whole_url(value, variable, provider)
    return _own_base_url(provider, facts or {})


def _own_base_url(provider: Provider, facts: Mapping[str, str]) -> str | None:
    """Return the provider's usual address; None when it has none, or when a fact is missing that it holds."""
    usual = provider.base_urls.get(facts.get("location", "")) or provider.base_url
    whole = filled(usual, facts) if usual is not None else None
    return None if whole is None or "{" in whole else whole


def filled(text: str, facts: Mapping[str, str]) -> str:
    """Put facts into the places that are named after them; those that are not known stay."""
    for name, value in facts.items():
        text = text.replace(f"{{{name}}}", value)
    return text


def trimmed(provider: Provider, base_url: str) -> str:
    """Take away from a base URL what makes it the address of another API of the same provider."""
    return base_url.removesuffix(provider.base_url_cut) if provider.base_url_cut else base_url


def _whole_url(value: str, variable: str, provider: Provider) -> str:
    """Turn what people put into such variables (`0.0.0.0:11434`, `http://gpu/`, `https://x.openai.azure.com`) into a
    base URL."""
    url = urlsplit(value if "://" in value else _with_scheme(value, provider))
    if url.scheme not in ("http", "https") or not url.netloc or url.query or url.fragment:
        raise ConfigError(
            # Its value is not shown: it may hold a password.
            f"{variable} is not an address of {provider.name}. Set it to http://HOST:PORT or https://HOST, with a path "
            "if need be, and nothing after it."
        )
    # A server listens on every address at 0.0.0.0, and is not called there.
    authority = url.netloc
    for everywhere, here in (("0.0.0.0", "127.0.0.1"), ("[::]", "[::1]")):
        if authority == everywhere or authority.startswith(f"{everywhere}:"):
            authority = here + authority.removeprefix(everywhere)
    path = trimmed(provider, url.path.rstrip("/"))
    return f"{url.scheme}://{authority}{_joined(path, provider.base_url_suffix)}"


def _with_scheme(value: str, provider: Provider) -> str:
    """Complete an address without a scheme as Ollama does (envconfig/config.go): http, and the server's own port when
    none is given. Others than self-hosted providers are spoken to over TLS."""
    authority, slash, path = value.partition("/")
    if not provider.self_hosted:
        return f"https://{value}"
    if authority.count(":") > 1 and not authority.startswith("["):
        authority = f"[{authority}]"
    if authority.startswith(":"):
        authority = f"127.0.0.1{authority}"
    usual = urlsplit(provider.base_url).port if provider.base_url else None
    if usual and not authority.rpartition("]")[2].count(":"):
        authority = f"{authority}:{usual}"
    return f"http://{authority}{slash}{path}"


def _joined(path: str, suffix: str) -> str:
    """Append as much of the suffix as the path does not end with: `/openai` and `/openai/v1` give `/openai/v1`."""
    wanted = suffix.strip("/").split("/") if suffix else []
    have = path.strip("/").split("/") if path else []
    overlap = len(wanted)
    while overlap and have[-overlap:] != wanted[:overlap]:
        overlap -= 1
    return "".join(f"/{part}" for part in have + wanted[overlap:])


def endpoint_urls(
    provider: Provider, base_url: str, model: str = "", facts: Mapping[str, str] | None = None
) -> dict[str, str]:
    """Return where each endpoint of the provider is called for a model; `ENDPOINT:stream` where streams are had
    elsewhere, and `models` where its models are listed.

    With an `api_version` among the facts, a provider with `versioned_paths` is called at these. They lie where the path
    of its usual base URL begins (`base_url_suffix`).
    """
    facts = facts or {}
    paths = provider.paths
    if provider.versioned_paths and "api_version" in facts:
        paths = provider.versioned_paths
        base_url = base_url.removesuffix(provider.base_url_suffix)
    else:
        paths = {**{name: name for name in (*provider.endpoints, MODELS)}, **paths}
    named = _in_path(model, provider.model_parent)
    served = provider.endpoints | {MODELS}
    return {
        name: _below(base_url, filled(path, facts).replace("{model}", named))
        for name, path in paths.items()
        if path and name.removesuffix(":stream") in served
    }


def _below(base_url: str, path: str) -> str:
    if not path.startswith("/"):
        return f"{base_url}/{path}"
    origin = urlsplit(base_url)
    return f"{origin.scheme}://{origin.netloc}{path}"


def leads_elsewhere(model: str) -> bool:
    """Say whether a model's name, as a part of a path, would lead to another place (`..`)."""
    return any(part in ("", ".", "..") for part in model.split("/"))


def _in_path(model: str, parent: str) -> str:
    """Write a model's name as a part of a path (RFC 3986, 3.3). A provider whose models are resources (`models/x`) has
    their slashes as they are; to the others a name is one segment (botocore: labels of URIs)."""
    if not parent:
        return quote(model, safe="@", errors="replace")
    return quote(model if "/" in model else parent + model, safe="/@", errors="replace")
