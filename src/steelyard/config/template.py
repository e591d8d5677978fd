"""Write a commented steelyard.toml from what was found on the machine; the text loads without findings."""

import json

from msgspec import Struct

__all__ = ["Found", "FoundProvider", "render"]


class FoundProvider(Struct, frozen=True):
    """A provider that can be called now. `because` says how it was found (`GROQ_API_KEY is set`, `answers at …`);
    `models` are names for `provider/model`, the best first, and may be empty. `base_url` only where it is not the
    usual one."""

    id: str
    because: str
    models: tuple[str, ...] = ()
    base_url: str | None = None


class Found(Struct, frozen=True):
    """What `steelyard init` found. `local_models` are the names of pulled models, the best first."""

    providers: tuple[FoundProvider, ...] = ()
    local_models: tuple[str, ...] = ()
    host: str = "127.0.0.1"
    port: int = 8080


def render(found: Found) -> str:
    """Return the text of a steelyard.toml with one route over all that was found."""
    parts = [_HEAD, _server(found), _providers(found), _routes(found), _models(found), _TAIL]
    return "\n".join(parts)


_HEAD = """\
# Configuration of Steelyard. Flags beat variables (STEELYARD_PORT, …), and these beat this file.
# `steelyard check` reports every mistake; a running gateway takes changes over within a second.
# Secrets do not stand here: write "env:NAME" or "file:PATH" in their place.
"""

_TAIL = """\
# Limits and budgets: of a key, a team, a route, a deployment, each user, or all. All that concern a call must hold.
# [[limits]]
# scope = "key:team-a"                   # key: | team: | project: | route: | deployment: NAME or *, user:*, all
# requests_per_minute = 600
# tokens_per_minute = 100_000
#
# [[budgets]]
# scope = "key:team-a"
# usd = "5.00"
# per = "month"                          # day | week | month | total

[ledger]
# url = "env:STEELYARD_LEDGER_URL"       # PostgreSQL; without it, SQLite in data_dir
# retention_days = 90                    # older exchanges are dropped; 0 keeps all
"""


def _server(found: Found) -> str:
    return f"""\
[server]
host = {_quoted(found.host)}
port = {found.port}
# workers = 1                            # processes that share the port
# record = "metadata"                    # none | metadata | full: what the ledger keeps of each call
# data_dir = "~/.local/share/steelyard"  # journal, ledger, keys, models; STEELYARD_HOME overrides it
"""


def _providers(found: Found) -> str:
    lines = ['# Providers. Those of the table need no section: their models are served as "provider/model".']
    for provider in {provider.id: provider for provider in found.providers}.values():
        lines.append(f"#   {provider.id}: {_comment(provider.because)}")
        if provider.base_url is not None:
            lines += [f"[providers.{_key(provider.id)}]", f"base_url = {_quoted(provider.base_url)}", ""]
    if not found.providers:
        lines.append("#   none found; set OPENAI_API_KEY, ANTHROPIC_API_KEY, GEMINI_API_KEY, … and they are served")
        lines.append("#   without a word here")
    lines += [
        "#",
        "# One that is not in the table:",
        "# [providers.acme]",
        '# dialect = "openai"                     # openai | openai-responses | anthropic | gemini | bedrock',
        '# base_url = "https://api.acme.example/v1"',
        '# api_key = "env:ACME_API_KEY"           # or file:/run/secrets/acme; absent: no key is sent',
        "",
    ]
    return "\n".join(lines)


def _routes(found: Found) -> str:
    deployments = [f"{provider.id}/{provider.models[0]}" for provider in found.providers if provider.models]
    deployments += [f"local/{model}" for model in found.local_models[:1]]
    deployments = list(dict.fromkeys(deployments))
    if not deployments:
        lines = ["# [routes.assistant]", '# deployments = ["openai/gpt-4.1", "local/smollm2-135m"]']
    else:
        lines = ["[routes.assistant]", "deployments = [", *(f"  {_quoted(name)}," for name in deployments), "]"]
    return "\n".join(
        [
            '# Routes: what applications ask for (model = "assistant"), and who answers.',
            *lines,
            '# strategy = "fallback"                  # fallback | weighted | fastest | cheapest',
            "# retries = 2                            # further attempts, over all deployments together",
            "# timeout_s = { connect = 5, first_byte = 60, idle = 60, total = 600 }",
            "# strict = false                         # true: refuse what a deployment's dialect cannot say",
            "",
            "# Facts that the catalogue lacks or has wrong:",
            '# [deployments."acme/some-model"]',
            '# price = { input_usd_per_mtok = "2.00", output_usd_per_mtok = "8.00" }',
            '# lacks = ["images", "tools"]            # what the model cannot do: asking for it is an error',
            "",
        ]
    )


def _models(found: Found) -> str:
    lines = ["# Local models, served by llama.cpp; without a section they get these settings."]
    for model in dict.fromkeys(found.local_models):
        lines += [f"[models.{_key(model)}]", "# context = 4096", "# slots = 2", "# gpu_layers = 0", ""]
    if not found.local_models:
        lines += ["# `steelyard models pull smollm2-135m` fetches the first one.", "# [models.smollm2-135m]"]
        lines += ["# context = 4096", "# slots = 2", "# gpu_layers = 0", ""]
    return "\n".join(lines)


def _quoted(text: str) -> str:
    # JSON's escapes are TOML's too, but for surrogates, which ensure_ascii would write (toml.abnf, `escape-seq-char`).
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _key(name: str) -> str:
    bare = name.isascii() and name != "" and all(letter.isalnum() or letter in "-_" for letter in name)
    return name if bare else _quoted(name)


def _comment(text: str) -> str:
    return "".join(letter if letter.isprintable() else " " for letter in text)
