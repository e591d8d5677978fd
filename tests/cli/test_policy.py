"""`steelyard policy decide` and `licences`: cards of every form, purposes and settings, bad input."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Call, CallJson
from tests.cli.policy_rig import WIDE, refused
from tests.cli.program import run_program

pytestmark = pytest.mark.usefixtures("catalogue_kept")

LLAMA, COMMAND, PHI = "meta-llama/Llama-3.1-8B-Instruct", "CohereLabs/c4ai-command-r-plus", "microsoft/phi-4"
QWEN_RESEARCH = "Qwen/Qwen2.5-3B-Instruct"
SMALL = ("use=commercial", "monthly_active_users=1000", "annual_revenue_usd=1000", "territory=US")


def set_(*settings: str) -> list[str]:
    return [word for one in settings for word in ("--set", one)]


def decide(call: Call, *words: str, settings: tuple[str, ...] = ("use=commercial",)) -> tuple[int, dict[str, Any]]:
    result = call("policy", "decide", *words, *set_(*settings), "--json")
    assert result.exit_code in (0, 1), result.output
    return result.exit_code, json.loads(result.stdout)


def write_card(path: Path, front: str, body: str = "# A model\n") -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"---\n{front}---\n{body}", encoding="utf-8")
    return str(path)


# decide: what it prints, and its exit code.


def test_a_decision_says_what_the_contract_says(call: Call) -> None:
    code, found = decide(call, LLAMA, settings=SMALL)
    assert (code, found["decision"], found["flags"]) == (0, "duties", [])
    assert {"effect", "clause", "licence", "text"} == set(found["reasons"][0])
    assert {"kind", "text", "clause"} <= set(found["duties"][0])
    assert found["duties"][0]["show"] == "Built with Llama"
    assert len(found["card_sha256"]) == 64


@pytest.mark.parametrize(
    ("model", "settings", "decision", "code"),
    [
        (PHI, ("use=commercial",), "allow", 0),
        (LLAMA, SMALL, "duties", 0),
        (COMMAND, ("use=commercial",), "deny", 1),
        (LLAMA, ("use=commercial",), "unknown", 1),
    ],
)
def test_only_what_is_allowed_exits_with_0(
    call: Call, model: str, settings: tuple[str, ...], decision: str, code: int
) -> None:
    found = decide(call, model, settings=settings)
    assert (found[0], found[1]["decision"]) == (code, decision)
    shown = call("policy", "decide", model, *set_(*settings))
    assert shown.exit_code == code
    words = {
        "allow": "allowed",
        "duties": "allowed, with duties",
        "deny": "denied",
        "unknown": "unknown, so not allowed",
    }
    assert shown.stdout.splitlines()[0] == f"{model}: {words[decision]}"


def test_without_a_purpose_it_is_said_how_to_give_one(call: Call) -> None:
    result = call("policy", "decide", PHI)
    assert result.exit_code == 0
    assert "--purpose FILE, or --set use=commercial" in result.stderr


def test_a_program_s_exit_code_is_that_of_the_decision(tmp_path: Path) -> None:
    write_card(tmp_path / "m" / "README.md", "license: apache-2.0\n")
    done = run_program("policy", "decide", "m/README.md", "--set", "use=commercial", "--json", cwd=tmp_path)
    assert (done.returncode, json.loads(done.stdout)["decision"], done.stderr) == (0, "allow", "")
    done = run_program("policy", "decide", "openai/gpt-4.1", "--set", "train_on_outputs=yes", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (1, "")


# decide: purposes.


def test_settings_come_over_a_purpose_s_file(call: Call, tmp_path: Path) -> None:
    (tmp_path / "p.toml").write_text('use = "commercial"\nmonthly_active_users = 5000\nterritory = ["US", "DE"]\n')
    told = ("--purpose", "p.toml")
    assert decide(call, QWEN_RESEARCH, *told, settings=())[1]["decision"] == "deny"
    assert decide(call, QWEN_RESEARCH, *told, settings=("use=research",))[1]["decision"] == "duties"
    assert decide(call, LLAMA, *told, settings=())[1]["decision"] == "duties"
    (tmp_path / "q.toml").write_text('[purpose]\nuse = "commercial"\n')
    assert decide(call, QWEN_RESEARCH, "--purpose", "q.toml", settings=())[1]["decision"] == "deny"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('use = "commercial"\nmonthly_active_user = 3\n', "p.toml:2: [monthly_active_user]: unknown key; did you mean"),
        ('use = "comercial"\n', 'p.toml:1: [use]: expected one of commercial, evaluation, research, got "comercial"'),
        ("[purpose]\nuse = 3\n", "p.toml:2: [purpose] use: expected one of"),
        ('[shop]\nuse = "commercial"\n', "p.toml:1: [shop]: unknown key"),
        ('use = "commercial\n', "p.toml:1:18: not TOML"),
        ("annual_revenue_usd = -1\n", "p.toml:1: [annual_revenue_usd]: must be 0 or more, got -1"),
        ("annual_revenue_usd = nan\n", "p.toml:1: [annual_revenue_usd]: expected a finite number"),
        ('territory = ["Europe"]\n', 'p.toml:1: [territory]: "Europe" is no territory'),
        ('as_of = "soon"\n', "p.toml:1: [as_of]: expected a date like 2026-11-22"),
        ("as_of = 2026-13-01\n", "p.toml:1:"),
        ('min_quality = "MMLU"\n', 'p.toml:1: [min_quality]: expected a result like "MMLU >= 0.7"'),
        ("use = \xff\n", "p.toml:1:7: not UTF-8"),
        ("train_on_outputs = 1\n", "p.toml:1: [train_on_outputs]: expected true or false"),
        ("[use]\nx = 1\n", "p.toml:1: [use]: expected one of"),
    ],
)
def test_a_mistake_in_a_purpose_is_named_with_file_and_line(call: Call, tmp_path: Path, text: str, told: str) -> None:
    (tmp_path / "p.toml").write_bytes(text.encode("latin-1"))
    assert refused(call("policy", "decide", PHI, "--purpose", "p.toml")).startswith(told)


@pytest.mark.parametrize(
    ("setting", "told"),
    [
        ("uze=research", '--set uze: unknown key; did you mean "use"?'),
        ("colour=red", "--set colour: unknown key; known are use, other_uses, monthly_active_users"),
        ("use", "--set use: expected key=value, like --set use=commercial"),
        ("use=", "--set use: expected one of commercial, evaluation, research"),
        ("use=trade", '--set use: expected one of commercial, evaluation, research, got "trade"'),
        ("monthly_active_users=many", "--set monthly_active_users: expected a number"),
        ("monthly_active_users=-1", "--set monthly_active_users: must be 0 or more, got -1"),
        ("annual_revenue_usd=inf", "--set annual_revenue_usd: expected a finite number"),
        ("max_retention_days=1e99", "--set max_retention_days: expected a finite number"),
        ("max_compute_flop=big", "--set max_compute_flop: expected a number"),
        ("train_on_outputs=maybe", "--set train_on_outputs: expected true or false"),
        ("as_of=2026-02-30", "--set as_of: expected a date like 2026-11-22"),
        ("as_of=yesterday", "--set as_of: expected a date like 2026-11-22"),
        ("territory=Europe,DE", '--set territory: "Europe" is no territory: write two letters of ISO 3166-1'),
        ("end_user_territory=XX", '--set end_user_territory: "XX" is no territory'),
        ("domain=", "--set domain: holds an empty word"),
        ("min_openness=mof4", "--set min_openness: expected one of closed, mof1, mof2, mof3, open-weight"),
        ("min_quality=MMLU", '--set min_quality: expected a result like "MMLU >= 0.7", got "MMLU"'),
    ],
)
def test_a_setting_that_is_wrong_is_named(call: Call, setting: str, told: str) -> None:
    assert refused(call("policy", "decide", PHI, "--set", setting)).startswith(told)


def test_every_mistake_of_the_settings_is_named_at_once(call: Call) -> None:
    result = call("policy", "decide", PHI, *set_("use=trade", "as_of=soon", "region=eu"), "--json")
    told = refused(result)
    assert [line.partition(":")[0] for line in told.splitlines()] == ["--set use", "--set as_of"]
    assert json.loads(result.stdout)["error"]["findings"] == told.splitlines()


def test_numbers_may_be_written_with_underscores_and_words_as_lists(call: Call) -> None:
    settings = ("use=commercial", "monthly_active_users=700_000_000", "territory=US, DE", "domain=education,medical")
    assert decide(call, LLAMA, settings=settings)[1]["decision"] == "duties"
    assert decide(call, LLAMA, settings=(*settings, "domain=education,military"))[1]["decision"] == "deny"


def test_a_list_that_is_set_twice_holds_both_and_another_key_the_last(call: Call) -> None:
    twice = ("domain=military", "domain=education", "use=research", "use=commercial", "monthly_active_users=1000")
    assert decide(call, LLAMA, settings=twice)[1]["decision"] == "deny"
    assert decide(call, QWEN_RESEARCH, settings=("use=commercial", "use=research"))[1]["decision"] == "duties"


# decide: subjects.


def test_a_model_and_a_deployment_differ_by_who_serves(call: Call) -> None:
    alone, served = decide(call, LLAMA, settings=SMALL)[1], decide(call, "groq/llama-3.1-8b-instant", settings=SMALL)[1]
    assert alone["card_sha256"] == served["card_sha256"]
    assert {one["licence"] for one in alone["duties"]} == {"llama-3.1"}
    assert {one["licence"] for one in served["duties"]} == {"llama-3.1", "groq"}
    told = decide(call, LLAMA, "--provider", "groq", settings=SMALL)[1]
    assert told["terms_sha256"] == served["terms_sha256"]


def test_weights_whose_owner_is_a_provider_too_are_decided_as_weights(call: Call) -> None:
    assert decide(call, "openai/gpt-oss-20b")[1]["terms_sha256"] is None
    assert decide(call, "openai/gpt-4.1")[1]["terms_sha256"] is not None


def test_a_provider_s_demands_are_asked_of_who_is_named(call: Call) -> None:
    asked = ("use=commercial", "self_hosted_only=true", "max_retention_days=0", "region=eu")
    assert decide(call, PHI, "--provider", "ollama", settings=asked)[1]["decision"] == "allow"
    assert decide(call, PHI, "--provider", "openai", settings=asked)[1]["decision"] == "deny"
    nobody = decide(call, PHI, "--provider", "nobody", settings=("use=commercial",))
    assert (nobody[0], nobody[1]["flags"]) == (1, ["unknown-terms"])


@pytest.mark.parametrize("subject", ["somebody/phi-4", "nothing/like-it", "", "/tmp", "microsoft/phi-44", "☃"])
def test_a_subject_that_is_nothing_is_named(call: Call, subject: str) -> None:
    told = refused(call("policy", "decide", subject, "--set", "use=commercial"))
    assert told.startswith(f'No card or deployment is called "{subject}".')
    assert "`steelyard card list` shows the cards" in told


def test_the_nearest_names_are_told(call: Call) -> None:
    assert "Nearest: microsoft/phi-4" in refused(call("policy", "decide", "somebody/phi-4"))


@pytest.mark.parametrize("path", ["gone.md", "gone.toml", "no/README.md"])
def test_a_path_that_leads_nowhere_is_named(call: Call, path: str) -> None:
    assert refused(call("policy", "decide", path)).startswith(f"{path}: cannot be read: No such file")


@pytest.mark.parametrize("option", ["--purpose", "--cards", "--config"])
@pytest.mark.parametrize("path", ["gone", "home"])
def test_a_file_or_directory_that_is_none_is_named(call: Call, option: str, path: str) -> None:
    if (option, path) != ("--cards", "home"):  # a directory without cards, and no mistake
        assert path in refused(call("policy", "decide", PHI, option, path))


def test_a_deployment_without_a_card_is_unknown(call: Call) -> None:
    code, found = decide(call, "openai/gpt-99")
    assert (code, found["decision"], found["flags"], found["card_sha256"]) == (1, "unknown", ["no-card"], None)


# decide: cards of files.


def test_a_card_in_toml(call: Call, tmp_path: Path) -> None:
    text = (
        'schema = 1\nmodel = "o/m"\n[claims]\nlicence = { value = "mit", source = "https://x.org", retrieved = %s }\n'
    )
    (tmp_path / "card.toml").write_text(text % "2026-01-01")
    assert decide(call, "card.toml")[1]["decision"] == "allow"
    (tmp_path / "card.toml").write_text((text % "2026-01-01").replace("licence =", "lisence ="))
    assert refused(call("policy", "decide", "card.toml")) == (
        'card.toml:4: [claims.lisence]: no claim is called so; did you mean "licence"?\n'
    )


@pytest.mark.parametrize(
    ("front", "decision", "flags"),
    [
        ("license: apache-2.0\n", "allow", []),
        ("license: other\nlicense_name: qwen-research\n", "deny", []),
        ("license: other\nlicense_name: house-rules\n", "unknown", ["unknown-licence"]),
        ("license: other\n", "unknown", ["unknown-licence"]),
        ("license: apache-2.0\nlicense_name: llama3.1\n", "unknown", ["contradictory", "unknown-licence"]),
        ("license:\n- mit\n- cc-by-nc-4.0\n", "unknown", ["unknown-licence"]),
        ("tags:\n- x\n", "unknown", ["unknown-licence"]),
        ("", "unknown", ["unknown-licence"]),
        (f"license: apache-2.0\nbase_model: {QWEN_RESEARCH}\n", "deny", ["laundering"]),
        (f"license: apache-2.0\nbase_model:\n- {PHI}\n- {QWEN_RESEARCH}\n", "deny", ["laundering"]),
        (f"license: apache-2.0\nbase_model: https://huggingface.co/{QWEN_RESEARCH}\n", "deny", ["laundering"]),
        ("license: apache-2.0\nbase_model: nobody/knows\n", "unknown", ["unknown-lineage"]),
        ("license: apache-2.0\nbase_model: somebody/phi-4\n", "unknown", ["unknown-lineage"]),
        (f"license: mit\nbase_model: {PHI}\nbase_model_relation: quantized\n", "allow", []),
        ("license: mit\nbase_model_relation: merge\n", "unknown", ["contradictory", "unknown-lineage"]),
        ("license: ünbekannt ☃\n", "unknown", ["unknown-licence"]),
    ],
)
def test_a_hugging_face_card(call: Call, tmp_path: Path, front: str, decision: str, flags: list[str]) -> None:
    path = write_card(tmp_path / "owner" / "model" / "README.md", front)
    code, found = decide(call, path)
    assert (found["decision"], sorted(found["flags"])) == (decision, flags)
    assert code == (0 if decision == "allow" else 1)


def test_a_readme_without_front_matter_tells_nothing(call: Call, tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("# Just words\n")
    assert decide(call, "README.md")[1]["flags"] == ["unknown-licence"]


@pytest.mark.parametrize(
    ("front", "told"),
    [
        ("license: mit\nlicense: cc-by-nc-4.0\n", 'README.md:3: not YAML that can be used: the key "license" is there'),
        ("license: [mit\n", "README.md:"),
        ("license: {a: b}\n", "README.md:2: license: expected a text, or a list of texts"),
        ("- mit\n", "README.md:2: expected keys with values"),
    ],
)
def test_front_matter_that_cannot_be_used_is_named_with_its_line(
    call: Call, tmp_path: Path, front: str, told: str
) -> None:
    write_card(tmp_path / "README.md", front)
    assert refused(call("policy", "decide", "README.md")).startswith(told)


def test_an_expired_claim_never_allows_whatever_the_day_is(call: Call, tmp_path: Path) -> None:
    (tmp_path / "card.toml").write_text(
        'schema = 1\nmodel = "o/m"\n[claims]\nlicence = { value = "mit", source = "https://x.org", '
        "retrieved = 2024-01-01, expires = 2025-01-01 }\n"
    )
    now = decide(call, "card.toml")[1]
    assert (now["decision"], now["flags"]) == ("unknown", ["stale"])
    assert decide(call, "card.toml", settings=("use=commercial", "as_of=2025-01-01"))[1]["decision"] == "allow"
    assert decide(call, "card.toml", settings=("use=commercial", "as_of=2099-01-01"))[1]["flags"] == ["stale"]
    later = decide(call, "openai/gpt-4.1", settings=(*SMALL, "as_of=2099-01-01"))
    assert (later[0], "stale" in later[1]["flags"]) == (1, True)


# decide: further cards.


@pytest.fixture
def merged(tmp_path: Path) -> Path:
    cards = tmp_path / "cards"
    write_card(cards / "lab__base.md", "license: cc-by-nc-4.0\n")
    write_card(cards / "lab__free.md", "license: apache-2.0\n")
    write_card(
        cards / "a__merge.md", "license: apache-2.0\nbase_model: [lab/free, lab/base]\nbase_model_relation: merge\n"
    )
    write_card(
        cards / "z__merge.md", "license: apache-2.0\nbase_model: [lab/base, lab/free]\nbase_model_relation: merge\n"
    )
    (cards / "notes.md").write_text("no card\n")
    return cards


@pytest.mark.parametrize("model", ["a/merge", "z/merge"])
def test_a_merge_is_as_free_as_its_least_free_parent_whatever_the_files_order(
    call: Call, merged: Path, model: str
) -> None:
    for subject in (model, f"cards/{model.replace('/', '__')}.md"):
        code, found = decide(call, subject, "--cards", "cards")
        assert (code, found["decision"], found["flags"]) == (1, "deny", ["laundering"])
        assert (found["reasons"][0]["effect"], found["reasons"][0]["licence"]) == ("deny", "cc-by-nc-4.0")
        code, found = decide(call, subject, "--cards", "cards", settings=("use=research",))
        assert (code, found["decision"], found["flags"]) == (0, "allow", ["laundering"])


def test_cards_of_both_kinds_resolve_lineage(call: Call, merged: Path) -> None:
    (merged / "lab__base.md").unlink()
    assert decide(call, "a/merge", "--cards", "cards")[1]["flags"] == ["unknown-lineage"]
    (merged / "base.toml").write_text(
        'schema = 1\nmodel = "lab/base"\n[claims]\n'
        'licence = { value = "cc-by-nc-4.0", source = "https://x.org", retrieved = 2026-01-01 }\n'
    )
    assert decide(call, "a/merge", "--cards", "cards")[1]["flags"] == ["laundering"]


def test_a_circle_of_cards_is_flagged(call: Call, tmp_path: Path) -> None:
    for at in range(3):
        write_card(tmp_path / "cards" / f"o__m{at}.md", f"license: mit\nbase_model: o/m{(at + 1) % 3}\n")
    code, found = decide(call, "o/m0", "--cards", "cards")
    assert (code, found["decision"], found["flags"]) == (1, "unknown", ["circular-lineage"])
    assert "o/m0 → o/m1 → o/m2 → o/m0" in found["reasons"][0]["text"]


def test_a_broken_card_among_others_is_named(call: Call, merged: Path) -> None:
    write_card(merged / "x__broken.md", "license: mit\nlicense: mit\n")
    told = refused(call("policy", "decide", PHI, "--cards", "cards"))
    assert told.startswith("cards/x__broken.md:3: ")


def test_a_lineage_of_a_thousand_cards_and_a_card_of_megabytes_are_decided(call: Call, tmp_path: Path) -> None:
    cards = tmp_path / "cards"
    for at in range(1000):
        write_card(cards / f"o__m{at}.md", f"license: apache-2.0\nbase_model: o/m{at + 1}\n")
    write_card(cards / "o__m1000.md", "license: cc-by-nc-4.0\n")
    assert decide(call, "o/m0", "--cards", "cards")[1]["decision"] == "deny"
    path = write_card(tmp_path / "big.md", "license: mit\n", f"{'x' * 79}\n" * 65_000)
    assert decide(call, path)[1]["decision"] == "allow"


def test_what_a_card_says_commands_no_terminal(call: Call, tmp_path: Path) -> None:
    path = write_card(tmp_path / "README.md", 'license: "\\x1b[31mred"\n')
    result = call("policy", "decide", path, "--set", "use=commercial")
    assert result.exit_code == 1
    assert "\x1b" not in result.output
    assert "\\x1b[31mred" in result.output


# licences.


def test_all_licences_are_listed(call: Call, call_json: CallJson) -> None:
    rows = {row["id"]: row for row in call_json("policy", "licences")}
    assert len(rows) >= 60
    assert (rows["llama-3.1"]["kind"], rows["llama-3.1"]["dated"]) == ("licence", "2024-07-23")
    assert rows["openai-services"]["kind"] == "terms"
    lines = call("policy", "licences").stdout.splitlines()
    assert lines[0].split() == ["ID", "TITLE", "KIND", "DATED"]
    assert any(line.startswith("mit ") for line in lines)


@pytest.mark.parametrize("name", ["llama-3.1", "llama3.1", "Llama 3.1 Community License"])
def test_a_licence_is_shown_by_any_of_its_names(call: Call, call_json: CallJson, name: str) -> None:
    found = call_json("policy", "licences", name)
    assert (found["asked"], found["understood"], found["choices"]) == (name, True, [["llama-3.1"]])
    (it,) = found["licences"]
    assert (it["title"], len(it["sha256"])) == ("Llama 3.1 Community License Agreement", 64)
    assert it["address"].startswith("https://")
    for part in ("permits", "prohibits", "duties"):
        assert it[part]
        assert all(rule["clause"] and rule["text"] for rule in it[part])
    shown = call("policy", "licences", name, env=WIDE).stdout
    assert f'"{name}" is a name of llama-3.1.' in shown
    for told in ("monthly_active_users above 700,000,000 on 2024-07-23", '("Built with Llama")', it["sha256"]):
        assert told in shown


def test_an_expression_shows_each_licence_and_how_they_are_joined(call: Call, call_json: CallJson) -> None:
    found = call_json("policy", "licences", "Apache 2.0 or MIT")
    assert (found["choices"], [one["id"] for one in found["licences"]]) == (
        [["apache-2.0"], ["mit"]],
        ["apache-2.0", "mit"],
    )
    assert "It is under apache-2.0, or mit." in call("policy", "licences", "Apache 2.0 or MIT").stdout


def test_a_name_without_rules_or_without_meaning_exits_with_1(call: Call) -> None:
    without = call("policy", "licences", "MIT AND AGPL-3.0-only", "--json")
    assert without.exit_code == 1
    assert json.loads(without.stdout)["without_rules"] == ["agpl-3.0-only"]
    strange = call("policy", "licences", "lama 3.1")
    assert strange.exit_code == 1
    assert '"lama 3.1" names no licence that is known here.' in strange.stdout
    assert "Nearest: llama-3.1" in strange.stdout
    assert json.loads(call("policy", "licences", "other", "--json").stdout)["understood"] is False
