"""The items of `steelyard weigh run`, from where `--items` says."""

import time
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

from msgspec.structs import replace

from steelyard.cli.ledger_of import ledger_of
from steelyard.cli.options import Given
from steelyard.config.settings import Config
from steelyard.core.errors import ConfigError
from steelyard.core.loose import JsonObject, JsonValue
from steelyard.keys.duration import parse_duration
from steelyard.weigh.items.chosen import Chosen, check_columns, checked, sampled
from steelyard.weigh.items.from_ledger import STRATA, Draw, Stratum, items_of_ledger
from steelyard.weigh.items.from_rows import Named, items_of_rows
from steelyard.weigh.items.from_task import items_of_task
from steelyard.weigh.items.weighed import weighed_exchanges, weighing_keys
from steelyard.weigh.runs.folder import Weighings
from steelyard.weigh.tasks.shipped import find_task

__all__ = ["chosen_items"]

_OURS: Final = frozenset({"model", "messages", "stream"})


def chosen_items(config: Config, given: Given) -> Chosen:
    """Return the items that the options ask for. Raises ConfigError, with file and line where there is one."""
    source: str = given["items"]
    request = _request_of(given["request"], given["max_tokens"])
    if source.startswith("ledger:"):
        return _of_ledger(config, source, request, given)
    if given["stratify"] or given["since"] is not None:
        raise ConfigError("--since and --stratify choose from the ledger: --items ledger:ROUTE")
    if source.startswith("task:") or source.endswith(".toml"):
        if any(given[name] is not None for name in ("item", "prompt", "target")):
            raise ConfigError("A task says itself what its columns are; --item, --prompt and --target go with a file.")
        found = items_of_task(find_task(source.removeprefix("task:")), source, request)
    else:
        named = Named(item=given["item"], prompt=given["prompt"], target=given["target"])
        found = items_of_rows(Path(source), request, named)
    return sampled(found, given["sample"], given["seed"])


def _request_of(settings: Iterable[str], max_tokens: int | None) -> JsonObject:
    """Return the fields that go along with every call. Raises ConfigError for what is no KEY=VALUE."""
    request: JsonObject = {}
    for setting in settings:
        key, equals, text = setting.partition("=")
        if not equals or not key:
            raise ConfigError(f"--request {setting}: expected KEY=VALUE, like --request temperature=0")
        if key in _OURS:
            raise ConfigError(f"--request {key}: the runner says that itself")
        try:
            request[key] = tomllib.loads(f"value = {text}")["value"]
        except tomllib.TOMLDecodeError:
            request[key] = text
    return request if max_tokens is None else {**request, "max_tokens": max_tokens}


def _of_ledger(config: Config, source: str, request: Mapping[str, JsonValue], given: Given) -> Chosen:
    if given["item"] is not None or given["prompt"] is not None:
        raise ConfigError("Traffic has its own prompts; --item and --prompt go with a file.")
    if given["sample"] is None:
        raise ConfigError(f"--items {source} draws from real traffic: say how many, by --sample N")
    unknown = [name for name in given["stratify"] if name not in STRATA]
    if unknown:
        raise ConfigError(f"--stratify {unknown[0]}: one of {', '.join(STRATA)}")
    strata: tuple[Stratum, ...] = given["stratify"] or Draw(n=1).stratify_by
    since = None if given["since"] is None else time.time() - parse_duration(given["since"])
    data_dir = config.server.data_dir
    own = weighing_keys(data_dir)
    draw = Draw(n=given["sample"], seed=given["seed"], since=since, stratify_by=strata, without_keys=own)
    ledger = ledger_of(config)
    try:
        weighed = weighed_exchanges(Weighings(data_dir))
        drawn = items_of_ledger(ledger, source.removeprefix("ledger:"), draw, weighed)
    finally:
        ledger.close()
    target = given["target"]
    if target is not None:
        check_columns(drawn.items, {"--target": target})
    items = tuple(
        replace(
            item,
            request={**item.request, **request},
            target=item.target if target is None else item.row.get(target),
        )
        for item in drawn.items
    )
    return Chosen(
        items=checked(items, source), title=source, source=source, held=None, cluster="cluster", flags=drawn.flags
    )
