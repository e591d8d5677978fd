"""The loader on real files: what a person writes, and what she is told."""

import os
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path

import pytest

from steelyard.config.loader import find_file, load_config, needs_restart, reload
from steelyard.config.settings import Config, ModelSettings, Timeouts
from steelyard.core.errors import ConfigError

CONTRACT = """\
[server]
host = "127.0.0.1"
port = 8080
workers = 1
record = "metadata"            # none | metadata | full
data_dir = "~/.local/share/steelyard"

[providers.acme]
dialect = "openai"
base_url = "http://127.0.0.1:9001/v1"
api_key = "env:ACME_API_KEY"
region = "eu-fr"
retention_days = 0

[routes.assistant]
deployments = ["acme/gpt-4.1", "local/smollm2-135m"]
strategy = "fallback"
retries = 2
timeout_s = { connect = 5, first_byte = 60, idle = 60, total = 600 }

[deployments."acme/gpt-4.1"]
price = { input_usd_per_mtok = "2.00", cached_input_usd_per_mtok = "0.50", output_usd_per_mtok = "8.00" }

[models.smollm2-135m]
context = 4096
slots = 2
gpu_layers = 0
"""


@pytest.fixture(autouse=True)
def _in_an_empty_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def load(text: str, env: Mapping[str, str] | None = None, **flags: object) -> Config:
    file = Path("steelyard.toml")
    file.write_text(text, encoding="utf-8")
    return load_config(file, {"HOME": "/home/ada"} | dict(env or {}), flags)


def findings(text: str, env: Mapping[str, str] | None = None, **flags: object) -> tuple[str, ...]:
    with pytest.raises(ConfigError) as caught:
        load(text, env, **flags)
    return caught.value.findings


def test_the_contract_of_the_documentation_is_read_whole(tmp_path: Path) -> None:
    config = load(CONTRACT)
    assert config.source == tmp_path / "steelyard.toml"
    assert (config.server.host, config.server.port, config.server.record) == ("127.0.0.1", 8080, "metadata")
    assert config.server.data_dir == Path("/home/ada/.local/share/steelyard")
    acme = config.providers["acme"]
    assert (acme.dialect, acme.base_url, acme.api_key) == ("openai", "http://127.0.0.1:9001/v1", "env:ACME_API_KEY")
    assert (acme.region, acme.retention_days, acme.headers) == ("eu-fr", 0, {})
    route = config.routes["assistant"]
    assert route.deployments == ("acme/gpt-4.1", "local/smollm2-135m")
    assert (route.strategy, route.retries, route.timeout_s) == ("fallback", 2, Timeouts(5.0, 60.0, 60.0, 600.0))
    price = config.deployments["acme/gpt-4.1"].price
    assert price is not None
    assert (price.input_usd_per_mtok, price.cached_input_usd_per_mtok) == (Decimal("2.00"), Decimal("0.50"))
    assert config.models == {"smollm2-135m": ModelSettings(context=4096, slots=2, gpu_layers=0)}


def test_without_any_file_the_defaults_hold(tmp_path: Path) -> None:
    config = load_config(None, {"HOME": str(tmp_path)}, {})
    assert config.source is None
    assert config.server.port == 8080
    assert config.server.data_dir == tmp_path / ".local/share/steelyard"


def test_the_file_is_searched_in_order(tmp_path: Path) -> None:
    home = tmp_path / "home"
    usual = home / ".config/steelyard/steelyard.toml"
    usual.parent.mkdir(parents=True)
    env = {"HOME": str(home)}
    assert find_file(None, env) is None
    usual.write_text("[server]\nport = 1001\n")
    assert load_config(None, env, {}).server.port == 1001
    Path("steelyard.toml").write_text("[server]\nport = 1002\n")
    assert load_config(None, env, {}).server.port == 1002
    (home / "named.toml").write_text("[server]\nport = 1003\n")
    assert load_config(None, env | {"STEELYARD_CONFIG": "~/named.toml"}, {}).server.port == 1003
    Path("asked.toml").write_text("[server]\nport = 1004\n")
    assert load_config(Path("asked.toml"), env | {"STEELYARD_CONFIG": "~/named.toml"}, {}).server.port == 1004


def test_a_file_that_was_asked_for_must_exist() -> None:
    with pytest.raises(ConfigError) as caught:
        load_config(None, {"STEELYARD_CONFIG": "missing.toml", "STEELYARD_PORT": "x"}, {})
    assert caught.value.findings == (
        "missing.toml: cannot be read: No such file or directory",
        'STEELYARD_PORT: expected a whole number, got "x"',
    )


def test_flags_beat_variables_and_variables_beat_the_file() -> None:
    text = '[server]\nport = 1\nworkers = 2\nhost = "file"\nrecord = "none"\n'
    env = {"STEELYARD_PORT": "11", "STEELYARD_WORKERS": "12", "STEELYARD_HOST": "1234", "STEELYARD_RECORD": ""}
    server = load(text, env, port=21, workers=None).server
    assert (server.port, server.workers, server.host, server.record) == (21, 12, "1234", "none")
    assert load(text, env, port=0).server.port == 0


def test_paths_of_the_file_lie_beside_the_file_and_others_where_the_user_is(tmp_path: Path) -> None:
    below = tmp_path / "etc"
    below.mkdir()
    file = below / "steelyard.toml"
    file.write_text(
        '[server]\ndata_dir = "store"\n[providers.openai]\napi_key = "file:key"\nca_file = "ca.pem"\n'
        'headers = { x-team = "file:~/team" }\n[ledger]\nurl = "file:../url"\n'
    )
    config = load_config(file, {"HOME": "/home/ada"}, {})
    assert config.server.data_dir == below / "store"
    assert config.providers["openai"].api_key == f"file:{below}/key"
    assert config.providers["openai"].ca_file == f"{below}/ca.pem"
    assert config.providers["openai"].headers == {"x-team": "file:/home/ada/team"}
    assert config.ledger.url == f"file:{tmp_path}/url"
    assert load_config(file, {"STEELYARD_HOME": "mine"}, {}).server.data_dir == tmp_path / "mine"
    assert load_config(file, {"STEELYARD_HOME": "mine"}, {"data_dir": Path("/d")}).server.data_dir == Path("/d")


def test_a_ledger_url_in_a_variable_stays_there() -> None:
    config = load("", {"STEELYARD_LEDGER_URL": "postgresql://steelyard:hunter2@db/ledger"})
    assert config.ledger.url == "env:STEELYARD_LEDGER_URL"
    assert "hunter2" not in repr(config)


def test_every_mistake_is_reported_at_once_in_the_order_of_the_file() -> None:
    text = """\
[server]
port = "8080"
workers = 0

[providers.acme]
base_url = "http://127.0.0.1:9001/v1"
api_key = "sk-do-not-print-me"

[routes.assistant]
strateggy = "fallback"
deployments = ["acme/gpt-4.1", "opnai/gpt-4.1"]
weights = [1, 2, 3]

[deployments."acme/gpt-4.1"]
price = { input_usd_per_mtok = 2.5, output_usd_per_mtok = "-1" }

[[limitz]]
requests = 5
"""
    assert findings(text, {"STEELYARD_RECORD": "everything"}) == (
        'STEELYARD_RECORD: expected one of full, metadata, none, got "everything"',
        "steelyard.toml:2: [server] port: expected a whole number, got a string",
        "steelyard.toml:3: [server] workers: must be from 1 to 1024, got 0",
        "steelyard.toml:5: [providers.acme]: a provider that is not in the table needs dialect",
        "steelyard.toml:7: [providers.acme] api_key: a secret must not stand here; put it into a variable or a file "
        'and write "env:NAME" or "file:PATH"',
        'steelyard.toml:10: [routes.assistant] strateggy: unknown key; did you mean "strategy"?',
        'steelyard.toml:11: [routes.assistant] deployments[1]: no provider "opnai"; did you mean "openai"?',
        'steelyard.toml:12: [routes.assistant] weights: weights need strategy = "weighted" (it is "fallback")',
        "steelyard.toml:12: [routes.assistant] weights: expected one weight a deployment, got 3 for 2 deployments",
        'steelyard.toml:15: [deployments."acme/gpt-4.1"] price.input_usd_per_mtok: write the amount as a string, like '
        '"2.50": a float cannot hold it exactly',
        'steelyard.toml:15: [deployments."acme/gpt-4.1"] price.output_usd_per_mtok: must be 0 or more, got -1',
        'steelyard.toml:17: [limitz]: unknown section; did you mean "limits"?',
    )


@pytest.mark.parametrize("text", ['source = "x"\n'])
def test_a_section_that_does_not_exist_yet_is_refused(text: str) -> None:
    (finding,) = findings(text)
    assert finding.startswith("steelyard.toml:1: [")
    assert "unknown section" in finding


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[server\n", "steelyard.toml:1:8: not TOML: expected ']' at the end of a table declaration"),
        (
            "a = 1\n[server]\nhost = localhost\n",
            'steelyard.toml:3:8: not TOML: invalid value; text needs quotes: "like this"',
        ),
        ('[server]\nhost = "a\n', "steelyard.toml:2:10: not TOML: illegal character '\\n'"),
        ("[server]\nport = 1\nport = 2\n", "steelyard.toml:3:9: not TOML: cannot overwrite a value"),
        ('[server]\nhost = """\n\n', "steelyard.toml:4:1: not TOML: unterminated string"),
        ("a = " + "[" * 5000, "steelyard.toml: brackets are nested too deeply"),
    ],
)
def test_what_is_no_toml_is_shown_with_line_and_column(text: str, expected: str) -> None:
    assert findings(text)[0].startswith(expected)


def test_a_file_in_another_encoding_is_shown_with_line_and_column(tmp_path: Path) -> None:
    (tmp_path / "latin.toml").write_bytes("[server]\n# für\n".encode("latin-1"))
    with pytest.raises(ConfigError) as caught:
        load_config(tmp_path / "latin.toml", {}, {})
    assert caught.value.findings == ("latin.toml:2:4: not UTF-8; save it in UTF-8",)


def test_a_byte_order_mark_does_no_harm(tmp_path: Path) -> None:
    (tmp_path / "bom.toml").write_bytes(b"\xef\xbb\xbf[server]\r\nport = 81\r\n")
    assert load_config(tmp_path / "bom.toml", {}, {}).server.port == 81


def test_a_file_far_away_is_named_in_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "steelyard.toml").write_text("x = 1\n")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    with pytest.raises(ConfigError, match=f"^{tmp_path}/steelyard.toml:1: "):
        load_config(Path("../steelyard.toml"), {}, {})


def test_a_flag_that_belongs_to_nothing_is_a_bug_of_the_caller() -> None:
    with pytest.raises(TypeError, match="'prot'"):
        load("", prot=1)


def test_a_wrong_flag_is_reported_in_its_own_name() -> None:
    assert findings("", port=70000, data_dir=3) == (
        "--port: must be from 0 to 65535, got 70000",
        "--data-dir: expected a path, got a whole number",
    )


def test_a_mistake_in_the_file_counts_even_where_a_flag_hides_it() -> None:
    assert findings('[server]\nport = "x"\n', port=80) == (
        "steelyard.toml:2: [server] port: expected a whole number, got a string",
    )


def test_reloading_takes_a_good_file_and_keeps_the_old_configuration_on_a_bad_one(tmp_path: Path) -> None:
    first = load(CONTRACT)
    file = tmp_path / "steelyard.toml"
    file.write_text(CONTRACT.replace("retries = 2", "retries = 3"))
    second, mistakes = reload(first, None, {}, {})
    assert second.routes["assistant"].retries == 3
    assert mistakes == ()
    file.write_text(CONTRACT.replace("retries = 2", "retries = -3"))
    kept, mistakes = reload(second, None, {}, {})
    assert kept is second
    assert mistakes == ("steelyard.toml:18: [routes.assistant] retries: must be from 0 to 100, got -3",)
    os.unlink(file)
    kept, mistakes = reload(second, None, {}, {})
    assert kept is second
    assert mistakes == ("steelyard.toml: cannot be read: No such file or directory",)


def test_a_reload_says_what_needs_a_restart() -> None:
    old, new = load(CONTRACT), load(CONTRACT.replace("8080", "8081").replace("retries = 2", "retries = 3"))
    assert needs_restart(old, new) == ("[server] port has changed: this takes effect after a restart.",)
    assert needs_restart(old, old) == ()
