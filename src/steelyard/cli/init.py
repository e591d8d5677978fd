"""`steelyard init`: write a commented steelyard.toml from what is found on this machine."""

import os
from pathlib import Path
from typing import Final

import click

from steelyard.catalog.environment import key_of, may_sign
from steelyard.catalog.prices import priced_models
from steelyard.cli.jsons import print_json
from steelyard.cli.options import json_option
from steelyard.cli.probe import models_of
from steelyard.config.paths import absolute
from steelyard.config.providers import ResolvedProvider, resolve_providers
from steelyard.config.settings import Config, ServerSettings
from steelyard.config.template import Found, FoundProvider, render
from steelyard.core.errors import StoreError
from steelyard.gateway.server import local_models

__all__ = ["USUAL_MODELS", "init"]

USUAL_MODELS: Final = {
    "openai": "gpt-4.1",
    "anthropic": "claude-sonnet-4-5",
    "gemini": "gemini-2.5-flash",
    "mistral": "mistral-small-latest",
    "groq": "llama-3.3-70b-versatile",
    "deepseek": "deepseek-chat",
    "cohere": "command-a",
    "bedrock": "global.anthropic.claude-sonnet-4-5-20250929-v1:0",
    "vertex": "gemini-2.5-flash",
    "vertex-anthropic": "claude-sonnet-4-5",
}
"""A model to begin a route with, where nobody has said which. It is written only while its price is known."""

_LOOK_S: Final = 1.0


@click.command()
@click.option(
    "--config",
    "path",
    type=click.Path(path_type=Path, dir_okay=False),
    default=Path("steelyard.toml"),
    show_default=True,
    metavar="FILE",
    help="File to write.",
)
@click.option("--force", is_flag=True, help="Replace the file when it is there.")
@json_option
def init(path: Path, force: bool, as_json: bool) -> None:
    """Write a commented steelyard.toml from what is found here.

    Looked for are keys in the environment, model servers on this machine, and pulled models. Keys themselves are not
    written. A file that is there is left as it is, without --force.
    """
    found = _look()
    _write(path, render(found), force=force)
    if as_json:
        print_json({"path": str(path.absolute()), "providers": found.providers, "local_models": found.local_models})
        return
    for provider in found.providers:
        click.echo(f"found {provider.id}: {provider.because}")
    for model in found.local_models:
        click.echo(f"found local/{model}")
    click.echo(f"{path} is written. Read it, then: steelyard check")


def _look() -> Found:
    env = os.environ
    data_dir = absolute(env.get("STEELYARD_HOME") or str(ServerSettings().data_dir), env, Path.cwd())
    providers = [found for one in resolve_providers(Config(), env).values() if (found := _found(one)) is not None]
    return Found(tuple(providers), tuple(local_models(data_dir)))


def _found(provider: ResolvedProvider) -> FoundProvider | None:
    """Say how a provider was found, None when it was not. Only servers of this machine are asked."""
    if provider.problem is not None:
        return None
    if provider.self_hosted:
        models = models_of(provider, _LOOK_S)
        return None if models is None else FoundProvider(provider.id, f"answers at {provider.base_url}", models)
    because = _reason(provider)
    if because is None:
        return None
    usual = USUAL_MODELS.get(provider.id)
    known = usual is not None and provider.prices is not None and usual in priced_models(provider.prices)
    return FoundProvider(provider.id, because, (usual,) if known and usual else ())


def _reason(provider: ResolvedProvider) -> str | None:
    """Say what in the environment lets a provider be called, None when nothing does."""
    key = key_of(provider.row, os.environ)
    if key is not None:
        return f"{key[0]} is set"
    promised = may_sign(provider.row, os.environ) if provider.row.signing is not None else None
    if promised is None:
        return None
    return f"{promised} {'exists' if os.sep in promised else 'is set'}"


def _write(path: Path, text: str, *, force: bool) -> None:
    try:
        if not force:
            with path.open("x", encoding="utf-8") as file:
                file.write(text)
            return
        fresh = path.with_name(f"{path.name}.new")
        fresh.write_text(text, encoding="utf-8")
        fresh.replace(path)
    except FileExistsError:
        raise StoreError(f"{path} is there already, and is left as it is. Replace it: steelyard init --force") from None
    except OSError as error:
        raise StoreError(f"{path} cannot be written: {error.strerror}. Choose another place: --config FILE") from error
