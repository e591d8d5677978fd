"""Which prices `steelyard weigh run` knows before the first call."""

import os
from pathlib import Path

import pytest

from steelyard.cli.plans_of import callable_plans_of
from steelyard.cli.weigh_calling import offers_of
from steelyard.config.loader import load_config
from steelyard.config.settings import Config
from tests.support import config_text

PRICE = {"input_usd_per_mtok": "2.00", "output_usd_per_mtok": "8.00"}


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Config:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    path = tmp_path / "steelyard.toml"
    path.write_text(
        config_text(
            {"acme": "http://127.0.0.1:9/v1"},
            routes={"assistant": {"deployments": ["openai/gpt-4.1", "acme/mine", "acme/other"]}},
            deployments={"acme/mine": {"price": PRICE, "most_output": 99}},
        )
    )
    return load_config(path, {**os.environ, "STEELYARD_HOME": str(tmp_path)}, {})


def test_prices_are_known_without_the_providers_keys(config: Config) -> None:
    listed, mine, other = offers_of(config, ["assistant"])["assistant"]
    assert listed.deployment == "openai/gpt-4.1"
    assert listed.tariff is not None
    assert listed.tariff.source.startswith("genai-prices")
    assert mine.tariff is not None
    assert (mine.tariff.source, mine.most_output) == ("steelyard.toml", 99)
    assert (other.deployment, other.tariff) == ("acme/other", None)


def test_they_are_those_by_which_the_gateway_tells_a_cost(config: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-test")
    targets = callable_plans_of(config).find("assistant").targets
    offers = offers_of(config, ["assistant"])["assistant"]
    assert [(one.deployment, one.tariff) for one in targets] == [(one.deployment, one.tariff) for one in offers]


def test_a_local_model_has_no_price_for_tokens_and_a_stranger_none_that_is_known(config: Config) -> None:
    found = offers_of(config, ["local/smollm2-135m", "nobody/knows", "what"])
    (local,) = found["local/smollm2-135m"]
    assert local.tariff is not None
    assert local.tariff.input == 0
    assert local.tariff.output == 0
    assert [one.tariff for name in ("nobody/knows", "what") for one in found[name]] == [None, None]
