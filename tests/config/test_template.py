"""What `steelyard init` writes loads without a finding, whatever was found."""

import re
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from steelyard.catalog.providers import provider_table
from steelyard.config.loader import load_config
from steelyard.config.template import Found, FoundProvider, render

FULL = Found(
    providers=(
        FoundProvider("openai", "OPENAI_API_KEY is set", ("gpt-4.1", "gpt-4.1-mini")),
        FoundProvider("ollama", "answers at http://127.0.0.1:11500", ("llama3.2:1b",), "http://127.0.0.1:11500/v1"),
        FoundProvider("groq", "GROQ_API_KEY is set"),
    ),
    local_models=("smollm2-135m", "qwen2.5-0.5b"),
    port=8090,
)


def test_what_was_found_is_served_by_one_route(tmp_path: Path) -> None:
    file = tmp_path / "steelyard.toml"
    file.write_text(render(FULL))
    config = load_config(file, {}, {})
    assert config.server.port == 8090
    assert config.routes["assistant"].deployments == ("openai/gpt-4.1", "ollama/llama3.2:1b", "local/smollm2-135m")
    assert config.providers["ollama"].base_url == "http://127.0.0.1:11500/v1"
    assert set(config.providers) == {"ollama"}
    assert set(config.models) == {"smollm2-135m", "qwen2.5-0.5b"}


def test_when_nothing_was_found_nothing_is_configured(tmp_path: Path) -> None:
    file = tmp_path / "steelyard.toml"
    file.write_text(render(Found()))
    config = load_config(file, {}, {})
    assert (config.providers, config.routes, config.models) == ({}, {}, {})


@pytest.mark.parametrize("found", [Found(), FULL])
def test_every_line_that_is_commented_out_is_right_too(found: Found, tmp_path: Path) -> None:
    text = render(found)
    live = re.sub(r"^# (?=\[|[a-z_]+ = )", "", text, flags=re.MULTILINE)
    assert live != text
    file = tmp_path / "steelyard.toml"
    file.write_text(live)
    config = load_config(file, {}, {})
    assert set(config.providers) >= {"acme"}
    assert config.ledger.retention_days == 90


names = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    found=st.lists(st.tuples(st.sampled_from(sorted(provider_table())), names), max_size=4),
    local=st.lists(st.text(st.sampled_from("abc019.:-_\"'\\é"), min_size=1), max_size=3),
)
def test_whatever_was_found_loads(found: list[tuple[str, str]], local: list[str], tmp_path: Path) -> None:
    providers = tuple(FoundProvider(name, because, ("m",), "https://x.example") for name, because in found)
    file = tmp_path / "steelyard.toml"
    file.write_text(render(Found(providers, tuple(local))), encoding="utf-8")
    config = load_config(file, {}, {})
    assert set(config.providers) == {name for name, _ in found}
    assert set(config.models) == set(local)
