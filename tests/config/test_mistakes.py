"""One mistake at a time, and the line that it gets."""

from pathlib import Path

import msgspec.inspect as shapes
import pytest
from msgspec import Struct

from steelyard.catalog.purpose import Purpose
from steelyard.config.loader import load_config
from steelyard.config.rules import has_rule
from steelyard.config.settings import (
    BudgetSettings,
    CacheSettings,
    Config,
    DeploymentFacts,
    LedgerSettings,
    LimitSettings,
    LogSettings,
    ModelSettings,
    OtelSettings,
    OutlierSettings,
    PolicySettings,
    PriceSettings,
    ProviderSettings,
    RetryBudgetSettings,
    RouteSettings,
    ServerSettings,
    SharedSettings,
    Timeouts,
)
from steelyard.core.errors import ConfigError

ACME = '[providers.acme]\ndialect = "openai"\nbase_url = "http://127.0.0.1:1/v1"\n'
REFERENCE = 'a secret must not stand here; put it into a variable or a file and write "env:NAME" or "file:PATH"'


def findings(text: str, tmp_path: Path) -> tuple[str, ...]:
    file = tmp_path / "steelyard.toml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        load_config(file, {}, {})
    return tuple(finding.removeprefix(f"{tmp_path}/steelyard.toml:") for finding in caught.value.findings)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("port = true", "port: expected a whole number, got true or false"),
        ("port = 8080.0", "port: expected a whole number, got a number with a fraction"),
        ("port = -1", "port: must be from 0 to 65535, got -1"),
        ("port = 65536", "port: must be from 0 to 65535, got 65536"),
        ("port = []", "port: expected a whole number, got a list"),
        ("port = 1979-05-27", "port: expected a whole number, got a date or time"),
        ("workers = 0", "workers: must be from 1 to 1024, got 0"),
        ("host = 1", "host: expected a string, got a whole number"),
        ('host = ""', 'host: expected an address or a host name without a port, like "127.0.0.1"'),
        ('host = "http://x"', 'host: expected an address or a host name without a port, like "127.0.0.1"'),
        ('record = "ful"', 'record: expected one of full, metadata, none, got "ful"; did you mean "full"?'),
        ("record = {}", "record: expected one of full, metadata, none, got a table"),
        ('data_dir = ""', "data_dir: expected a path, got an empty string"),
        ("max_body_bytes = -5", f"max_body_bytes: must be from 1024 to {2**62}, got -5"),
        ("header_timeout_s = 0", "header_timeout_s: must be more than 0, got 0.0"),
        ("drain_s = -1", "drain_s: must be 0 or more, got -1.0"),
        ("drain_s = nan", "drain_s: expected a finite number"),
        ("drain_s = inf", "drain_s: expected a finite number"),
        ('drain_s = "1"', "drain_s: expected a number, got a string"),
        ("drain_s = true", "drain_s: expected a number, got true or false"),
        ("prot = 1", 'prot: unknown key; did you mean "port"?'),
        ("PORT = 1", 'PORT: unknown key; did you mean "port"?'),
        ('"a b" = 1', '"a b": unknown key; known here: '),
    ],
)
def test_a_wrong_server_setting_is_explained(line: str, expected: str, tmp_path: Path) -> None:
    (finding,) = findings(f"[server]\n\n{line}\n", tmp_path)
    assert finding.startswith(f"3: [server] {expected}")


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ('api_key = "hunter2!"', f"api_key: {REFERENCE}"),
        ('api_key = "$hunter2"', f"api_key: {REFERENCE}"),
        ('api_key = "env:hunter2!"', 'api_key: what follows "env:" is not the name of a variable (write'),
        ('api_key = "file:"', 'api_key: what follows "file:" is not the path of a file (write'),
        ('headers = { x-team = "hunter2" }', f"headers: 'x-team': {REFERENCE}"),
        ('headers = { "x y" = "env:A" }', "headers: 'x y': not the name of a header"),
        ('headers = { Host = "env:A" }', "headers: 'Host': the gateway writes this header itself"),
        ('headers = { A = "env:A", a = "env:A" }', "headers: 'A': is given twice (case does not matter"),
        ('headers = { Authorization = "env:A" }', "headers.Authorization: this header carries the key; write"),
        ("headers = { a = 1 }", "headers.a: expected a string, got a whole number"),
        ('headers = "env:A"', "headers: expected a table, got a string"),
        ('auth_header = "x:y"', "auth_header: not the name of a header"),
        ('auth_prefix = "a\\r\\nb"', "auth_prefix: holds a control character"),
        ('region = ""', "region: must not be empty"),
        ("retention_days = -1", "retention_days: must be 0 or more, got -1"),
        ('stream_usage = "asks"', 'stream_usage: expected one of always, ask, never, got "asks"; did you mean "ask"?'),
        (
            'streaming = "allways"',
            'streaming: expected one of always, both, never, got "allways"; did you mean "always"?',
        ),
        (
            'endpoints = ["chat/completions", "respones"]',
            'endpoints[1]: no endpoint "respones"; did you mean "responses"?',
        ),
        ('endpoints = ["x"]', 'endpoints[0]: no endpoint "x"; known are audio/transcriptions, chat/completions, '),
        (
            'endpoints = ["responses"]',
            'endpoints: its dialect is "openai", to which calls are translated; list chat/com',
        ),
        ('project = "p"', "project: this provider has no use for it; it is for vertex or vertex-anthropic"),
        ('location = "eu"', "location: this provider has no use for it; it is for vertex or vertex-anthropic"),
        ('aws_region = "a"', "aws_region: this provider has no use for it; it is for bedrock"),
        (
            'credentials = "file:x"',
            "credentials: this provider has no use for it; it is for vertex or vertex-anthropic",
        ),
        ('api_version = "1"', "api_version: this provider has no use for it; it is for azure"),
        ('credentials = "hunter2"', 'credentials: expected "file:PATH", the file with the credentials of a Google'),
        ('credentials = "env:A"', 'credentials: expected "file:PATH", the file with the credentials of a Google'),
        ('projekt = "p"', 'projekt: unknown key; did you mean "project"?'),
    ],
)
def test_a_wrong_provider_setting_is_explained_without_its_secret(line: str, expected: str, tmp_path: Path) -> None:
    (finding,) = findings(f"{ACME}{line}\n", tmp_path)
    assert finding.startswith(f"4: [providers.acme] {expected}")
    assert "hunter2" not in finding


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("127.0.0.1:1", "expected a URL with http or https"),
        ("ftp://a/", "expected a URL with http or https"),
        ("https://", "the URL names no host"),
        ("https://ada:hunter2@a/v1", "a URL must not hold a name or a password"),
        ("https://a/v1#x", "the URL must end with its path"),
        ("https://a/v1?x=y", "the URL must end with its path"),
        ("https://a:70000/", "expected a URL with http or https"),
        ("https://[::1/", "expected a URL with http or https"),
        ("https://a/\\n", "expected a URL with http or https"),
        ("https://a b/", "expected a URL with http or https"),
    ],
)
def test_a_wrong_url_is_explained_without_repeating_it(url: str, expected: str, tmp_path: Path) -> None:
    (finding,) = findings(f'[providers.acme]\ndialect = "openai"\nbase_url = "{url}"\n', tmp_path)
    assert finding.startswith(f"3: [providers.acme] base_url: {expected}")
    assert "hunter2" not in finding


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "[providers.zzzz]\n",
            (
                "1: [providers.zzzz]: a provider that is not in the table needs dialect",
                "1: [providers.zzzz]: a provider that is not in the table needs base_url",
            ),
        ),
        (
            '[providers.grok]\ndialect = "openai"\n',
            ('1: [providers.grok]: a provider that is not in the table needs base_url; did you mean "groq"?',),
        ),
        (
            "[providers.local]\n",
            ('1: [providers.local]: "local" is the engine of this installation; choose another name',),
        ),
        ('[providers."A b"]\n', ('1: [providers."A b"]: a provider\'s name is lower-case letters',)),
        ("providers = 1\n", ("1: [providers]: expected a table, got a whole number",)),
        ("providers.acme = 1\n", ("1: [providers.acme]: expected a table, got a whole number",)),
        ("[routes.a]\n", ("1: [routes.a] deployments: missing",)),
        ("[routes.a]\ndeployments = []\n", ("2: [routes.a] deployments: list at least one deployment",)),
        ('[routes.a]\ndeployments = "local/m"\n', ("2: [routes.a] deployments: expected a list, got a string",)),
        (
            '[routes.a]\ndeployments = [\n"local/m",\n1]\n',
            ("4: [routes.a] deployments[1]: expected a string, got a whole",),
        ),
        (
            '[routes.a]\ndeployments = ["local/m", "local/m"]\n',
            ('2: [routes.a] deployments: "local/m" is listed twice',),
        ),
        (
            '[routes.a]\ndeployments = ["opnia/m", "nodash", "local/x", "local/x"]\n',
            (
                '2: [routes.a] deployments[0]: no provider "opnia"',
                '2: [routes.a] deployments[1]: expected "provider/model"',
                '2: [routes.a] deployments: "local/x" is listed twice',
            ),
        ),
        ('[routes.a]\ndeployments = ["m"]\n', ('2: [routes.a] deployments[0]: expected "provider/model", like',)),
        ('[routes.a]\ndeployments = ["/m"]\n', ('2: [routes.a] deployments[0]: expected "provider/model", like',)),
        ('[routes.a]\ndeployments = ["local/"]\n', ('2: [routes.a] deployments[0]: expected "provider/model", like',)),
        (
            '[routes.a]\ndeployments = ["zzzz/m"]\n',
            ('2: [routes.a] deployments[0]: no provider "zzzz"; add [providers.zzzz] with dialect and base_url',),
        ),
        ('[routes."a/b"]\ndeployments = ["local/m"]\n', ('1: [routes."a/b"]: the name of a route must not hold "/"',)),
        ('[routes."a b"]\ndeployments = ["local/m"]\n', ('1: [routes."a b"]: the name of a route must not be empty',)),
        ('[routes.local]\ndeployments = ["local/m"]\n', ('1: [routes.local]: "local" is the name of a provider',)),
        ('[routes.openai]\ndeployments = ["local/m"]\n', ('1: [routes.openai]: "openai" is the name of a provider',)),
        (
            '[routes.a]\ndeployments = ["local/m"]\nfallback_on = ["429", "6xx"]\n',
            ('3: [routes.a] fallback_on[1]: "6xx" is no failure; expected a status ("429"), a class ("5xx"), or',),
        ),
        (
            '[routes.a]\ndeployments = ["local/m"]\nfallback_on = ["content-filter"]\n',
            ('3: [routes.a] fallback_on[0]: "content-filter" is no failure; did you mean "content_filter"?',),
        ),
        (
            '[cache]\nroutes = ["local/m"]\n',
            ('2: [cache] routes[0]: no route is called "local/m"; add [routes.NAME] with deployments = ["local/m"]',),
        ),
        (
            '[routes.a]\ndeployments = ["local/m"]\nfallback_on = ["time-out", "cutt"]\n',
            (
                '3: [routes.a] fallback_on[0]: "time-out" is no failure; did you mean "timeout"?',
                '3: [routes.a] fallback_on[1]: "cutt" is no failure; did you mean "cut"?',
            ),
        ),
        (
            '[routes.a]\ndeployments = ["local/m"]\nfallback_on = ["429", "429"]\n',
            ('3: [routes.a] fallback_on: "429" is listed twice',),
        ),
        (
            '[routes.a]\ndeployments = ["local/m"]\nhedge_after_s = 1\nhedge_percentile = 95\n',
            ("4: [routes.a] hedge_percentile: hedge_after_s says it too: leave one of both out",),
        ),
        (
            '[routes.a]\ndeployments = ["local/m"]\nresume = true\n',
            ("3: [routes.a] resume: a stream that breaks off in its middle is never continued by another deployment",),
        ),
        (
            '[routes.a]\ndeployments = ["local/m"]\nretry_budget = { ratio = -1 }\noutliers = { min_calls = 1 }\n',
            (
                "3: [routes.a] retry_budget.ratio: must be from 0 to 10, got -1.0",
                "4: [routes.a] outliers.min_calls: must be from 5 to 200, got 1",
            ),
        ),
        (
            '[routes.a]\ndeployments = ["local/m"]\nstrategy = "weighted"\nweights = [0]\n',
            ("4: [routes.a] weights: every weight must be more than 0, got 0",),
        ),
        (
            '[routes.a]\ndeployments = ["local/m"]\nstrategy = "weighted"\nweights = [1, 2]\n',
            ("4: [routes.a] weights: expected one weight a deployment, got 2 for 1 deployments",),
        ),
        (
            '[routes.a]\ndeployments = ["local/m"]\ntimeout_s = { conect = 1, total = -1 }\n',
            (
                '3: [routes.a] timeout_s.conect: unknown key; did you mean "connect"?',
                "3: [routes.a] timeout_s.total: must be more than 0, got -1.0",
            ),
        ),
        ("[deployments.m]\n", ('1: [deployments.m]: expected "provider/model", like',)),
        ('[deployments."opnai/m"]\n', ('1: [deployments."opnai/m"]: no provider "opnai"; did you mean "openai"?',)),
        (
            '[deployments."local/m"]\nprice = { input_usd_per_mtok = "abc" }\n',
            (
                '2: [deployments."local/m"] price.input_usd_per_mtok: expected an amount like "2.50"',
                '2: [deployments."local/m"] price.output_usd_per_mtok: missing',
            ),
        ),
        (
            '[deployments."local/m"]\nprice = { input_usd_per_mtok = "NaN", output_usd_per_mtok = true }\n',
            (
                '2: [deployments."local/m"] price.input_usd_per_mtok: expected an amount like "2.50"',
                '2: [deployments."local/m"] price.output_usd_per_mtok: expected an amount as a string',
            ),
        ),
        (
            '[deployments."local/m"]\nlacks = ["image"]\nmost_output = 0\ndialect = "anthropics"\n',
            (
                '2: [deployments."local/m"] lacks[0]: expected one of audio, documents, images, json_schema, thinking, '
                'tools, video, got "image"; did you mean "images"?',
                '3: [deployments."local/m"] most_output: must be 1 or more, got 0',
                '4: [deployments."local/m"] dialect: expected one of anthropic, bedrock, gemini, openai, '
                'openai-responses, got "anthropics"; did you mean "anthropic"?',
            ),
        ),
        (
            '[deployments."local/m"]\nlacks = ["tools", "tools"]\ndialect = "anthropic"\n',
            (
                '2: [deployments."local/m"] lacks: "tools" is listed twice',
                '3: [deployments."local/m"] dialect: "local" does not speak anthropic, but openai',
            ),
        ),
        (
            '[deployments."vllm/m"]\ndialect = "gemini"\n',
            ('2: [deployments."vllm/m"] dialect: "vllm" does not speak gemini, but openai and openai-',),
        ),
        (
            '[providers.vertex]\nlocation = "eu/x"\nproject = "P"\n',
            (
                "2: [providers.vertex] location: expected a location, like",
                "3: [providers.vertex] project: expected the id of a project, like",
            ),
        ),
        (
            '[providers.bedrock]\naws_region = "eu.central"\n',
            ("2: [providers.bedrock] aws_region: expected a region of AWS, like",),
        ),
        (
            '[providers.azure]\napi_version = "1&x"\n',
            ("2: [providers.azure] api_version: expected a version, like",),
        ),
        (
            '[providers.acme]\ndialect = "antropic"\nbase_url = "https://a.example"\n',
            (
                "2: [providers.acme] dialect: expected one of anthropic, bedrock, gemini, openai, openai-responses, "
                'got "antropic"; did you mean "anthropic"?',
            ),
        ),
        (
            '[routes.a]\ndeployments = ["local/m"]\nstrict = "yes"\n',
            ("3: [routes.a] strict: expected true or false, got a string",),
        ),
        ("[models.m]\nslots = 0\n", ("2: [models.m] slots: must be from 1 to 1024, got 0",)),
        ('[models.m]\nstart = "now"\n', ('2: [models.m] start: expected one of boot, demand, got "now"',)),
        ("[models.m]\nrerank = 1\n", ("2: [models.m] rerank: expected true or false, got a whole number",)),
        ('[models."m m"]\n', ('1: [models."m m"]: expected the name of a local model',)),
        (
            '[ledger]\nurl = "mysql://db"\n',
            ("2: [ledger] url: expected a URL that begins with sqlite:// or postgresql",),
        ),
        ('[ledger]\nurl = "postgresql://a:hunter2@db/l"\n', ("2: [ledger] url: holds a password; put the whole URL",)),
        ('[ledger]\nurl = "postgresql://db/l?password=hunter2"\n', ("2: [ledger] url: holds a password",)),
        ("server = []\n", ("1: [server]: expected a table, got a list",)),
    ],
)
def test_a_wrong_section_is_explained(text: str, expected: tuple[str, ...], tmp_path: Path) -> None:
    found = findings(text, tmp_path)
    assert len(found) == len(expected)
    for finding, beginning in zip(found, expected, strict=True):
        assert finding.startswith(beginning)
    assert "hunter2" not in "".join(found)


@pytest.mark.parametrize(
    "text",
    [
        '[deployments."local/m"]\nprice = { input_usd_per_mtok = 0, output_usd_per_mtok = 2 }\n',
        '[routes.a]\ndeployments = ["openrouter/meta/m", "local/m"]\nstrategy = "weighted"\nweights = [1, 0.5]',
        '[routes.a]\ndeployments = ["acme/m"]\n[providers.acme]\ndialect = "anthropic"\nbase_url = "https://a.example"\n',
        '[deployments."openai/x"]\ndialect = "openai-responses"\nlacks = ["audio"]\nmost_output = 4096\n',
        '[providers.openai]\nendpoints = ["chat/completions", "embeddings"]\n',
        '[providers.openai]\nendpoints = ["embeddings"]\n',
        '[providers.openai]\nbase_url = "https://proxy.example/v1"\n',
        '[ledger]\nurl = "sqlite:////home/jürgen/x y.db"\nretention_days = 0.5\n',
        '[ledger]\nurl = "postgresql+psycopg://ledger@db:5432/ledger?sslmode=require"\n',
        "[server]\nport = 0\n",
    ],
)
def test_what_is_right_is_not_refused(text: str, tmp_path: Path) -> None:
    file = tmp_path / "steelyard.toml"
    file.write_text(text, encoding="utf-8")
    assert load_config(file, {}, {}).source == file


@pytest.mark.parametrize(
    "struct",
    [
        BudgetSettings,
        CacheSettings,
        DeploymentFacts,
        LedgerSettings,
        LimitSettings,
        LogSettings,
        ModelSettings,
        OtelSettings,
        OutlierSettings,
        PolicySettings,
        PriceSettings,
        ProviderSettings,
        Purpose,
        RetryBudgetSettings,
        RouteSettings,
        ServerSettings,
        SharedSettings,
        Timeouts,
    ],
)
def test_every_number_has_a_range(struct: type[Struct]) -> None:
    described = shapes.type_info(struct)
    assert isinstance(described, shapes.StructType)
    numbers = [field.name for field in described.fields if _holds_a_number(field.type)]
    assert [name for name in numbers if not has_rule(struct, name)] == []


def test_every_struct_of_the_configuration_is_asked_for_its_ranges() -> None:
    asked = test_every_number_has_a_range.pytestmark[0].args[1]  # type: ignore[attr-defined]
    assert _structs_within(shapes.type_info(Config)) - {Config} == set(asked)


def _holds_a_number(shape: shapes.Type) -> bool:
    match shape:
        case shapes.UnionType(types=types):
            return any(_holds_a_number(one) for one in types)
        case shapes.VarTupleType(item_type=item):
            return _holds_a_number(item)
        case _:
            return isinstance(shape, shapes.IntType | shapes.FloatType | shapes.DecimalType)


def _structs_within(shape: shapes.Type) -> set[type]:
    match shape:
        case shapes.StructType(cls=cls, fields=fields):
            return {cls}.union(*(_structs_within(field.type) for field in fields))
        case shapes.UnionType(types=types):
            return set().union(*(_structs_within(one) for one in types))
        case shapes.DictType(value_type=item) | shapes.VarTupleType(item_type=item):
            return _structs_within(item)
        case _:
            return set()
