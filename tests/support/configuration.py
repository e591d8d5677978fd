"""Texts of `steelyard.toml`."""

import json
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

__all__ = ["config_text"]


def config_text(
    providers: Mapping[str, str | Mapping[str, Any]],
    *,
    routes: Mapping[str, Mapping[str, Any]] | None = None,
    deployments: Mapping[str, Mapping[str, Any]] | None = None,
    server: Mapping[str, Any] | None = None,
    **tables: Mapping[str, Mapping[str, Any]],
) -> str:
    """Return a configuration. A provider is its base URL, or a table with more of its settings; the other arguments are
    tables of the same names: `config_text({"acme": provider.base_url}, routes={"assistant": {"deployments": […]}})`.
    """
    rows = {name: _provider(value) for name, value in providers.items()}
    lines = _table("server", server) if server else []
    for key, table in {"providers": rows, "routes": routes, "deployments": deployments, **tables}.items():
        for name in table or {}:
            lines += _table(f"{key}.{json.dumps(name)}", (table or {})[name])
    return "\n".join(lines)


def _provider(value: str | Mapping[str, Any]) -> Mapping[str, Any]:
    return {"dialect": "openai", **({"base_url": value} if isinstance(value, str) else value)}


def _table(header: str, row: Mapping[str, Any]) -> list[str]:
    return [f"[{header}]", *(f"{json.dumps(key)} = {_value(item)}" for key, item in row.items()), ""]


def _value(value: Any) -> str:
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{json.dumps(str(key))} = {_value(item)}" for key, item in value.items()) + " }"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_value(item) for item in value) + "]"
    if isinstance(value, Path | Decimal):
        return json.dumps(str(value))
    # A JSON string is a TOML basic string (TOML v1.0.0, "String"), and numbers and booleans are alike.
    return json.dumps(value, ensure_ascii=False)
