"""Whether anything is sent to a collector."""

import pytest
from msgspec import structs

from steelyard.config.settings import Config, OtelSettings
from steelyard.config.telemetry import exports, has_otel_extra

FILE = structs.replace(Config(), otel=OtelSettings("http://127.0.0.1:4318"))
HERE = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4318"}


@pytest.mark.parametrize(
    ("config", "env", "expected"),
    [
        (Config(), {}, False),
        (FILE, {}, True),
        (Config(), HERE, True),
        (Config(), {"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://127.0.0.1:4318/v1/traces"}, True),
        (Config(), {"OTEL_EXPORTER_OTLP_ENDPOINT": ""}, False),
        (FILE, {"OTEL_SDK_DISABLED": "true"}, False),
        (Config(), {**HERE, "OTEL_SDK_DISABLED": "True"}, False),
        (Config(), {**HERE, "OTEL_SDK_DISABLED": "false"}, True),
    ],
)
def test_a_collector_is_configured_by_file_or_variable(config: Config, env: dict[str, str], expected: bool) -> None:
    assert has_otel_extra()
    assert exports(config, env) is expected
