"""Whether traces and metrics go to a collector, and where it is."""

from collections.abc import Mapping
from importlib.util import find_spec
from typing import Final

from steelyard.config.settings import Config

__all__ = ["ENDPOINTS", "exports", "has_otel_extra"]

ENDPOINTS: Final = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
"""OpenTelemetry's variables for the address of a collector (specification, "OTLP Exporter Configuration")."""


def exports(config: Config, env: Mapping[str, str]) -> bool:
    """Say whether traces and metrics are sent: a collector is configured, by `[otel] endpoint` or by OpenTelemetry's
    variables, and the extra `otel` is installed.

    `OTEL_SDK_DISABLED=true` turns all off (specification, "Environment Variable Specification")."""
    if env.get("OTEL_SDK_DISABLED", "").lower() == "true":
        return False
    configured = config.otel.endpoint is not None or any(env.get(name) for name in ENDPOINTS)
    return configured and has_otel_extra()


def has_otel_extra() -> bool:
    """Say whether the extra `otel` is installed, without loading it."""
    try:
        return find_spec("opentelemetry.sdk") is not None and find_spec("opentelemetry.exporter.otlp") is not None
    except ModuleNotFoundError:
        return False
