"""Which processes a configuration needs, as members for the supervisor."""

import os
from pathlib import Path

from steelyard.cli.child import Member
from steelyard.cli.listeners import Listeners
from steelyard.config.settings import Config

__all__ = ["clerk_member", "engine_member", "gateway_members"]

# A gateway may drain for so long beyond `drain_s`: it hangs up on idle clients, and closes its journal.
_AFTER_DRAIN_S = 5.0


def gateway_members(config: Config, config_path: Path | None, host: str | None, listeners: Listeners) -> list[Member]:
    """Return the gateways, `[server] workers` of them. `host` is what a flag said."""
    arguments = ["gateway", *_config_arguments(config_path), "--port", str(listeners.port)]
    if host is not None:
        arguments += ["--host", host]
    workers = config.server.workers
    return [
        Member(
            "gateway" if workers == 1 else f"gateway-{worker}",
            (*arguments, "--seat", f"{worker}/{workers}:{listeners.told()}"),
            stop_s=config.server.drain_s + _AFTER_DRAIN_S,
            fds=listeners.fds(),
        )
        for worker in range(workers)
    ]


def engine_member(config: Config, config_path: Path | None, *models: str) -> Member:
    """Return the keeper of engines, which starts `models` now; without any it waits until a model is in the store."""
    arguments = ("engine", *models, *_config_arguments(config_path))
    models_dir = config.server.data_dir / "models"
    return Member("engine", arguments, stage=1, wanted=lambda: bool(models) or _holds_models(models_dir))


def clerk_member(config_path: Path | None) -> Member:
    """Return the clerk."""
    return Member("clerk", ("clerk", *_config_arguments(config_path)), stage=1)


def _config_arguments(config_path: Path | None) -> tuple[str, ...]:
    return () if config_path is None else ("--config", str(config_path))


def _holds_models(models_dir: Path) -> bool:
    try:
        with os.scandir(models_dir) as entries:
            return any(os.path.exists(os.path.join(entry.path, "model.gguf")) for entry in entries)
    except OSError:
        return False
