"""Who may answer, at the gateway itself: denials in every dialect, duties told, decisions on record, lists."""

import re
from collections.abc import Iterator
from typing import Any

import pytest

from tests.conftest import StartGateway
from tests.fake import FakeProvider
from tests.gateway.policy_rig import ASK, CONTENTS, DEPLOYMENTS, LLAMA, World, configured, world_in
from tests.gateway.test_forms import BOUNDARY, file_part, model_part
from tests.gateway.upstream_rig import ANSWER, Reply, ScriptedUpstream, exchange_of, until
from tests.support import config_text, journalled
from tests.support.catalogue import shipped_catalogue


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with world_in(tmp_path_factory.mktemp("policy")) as world:
        yield world


# Denials.


def test_nobody_who_may_answer_is_403_in_openai_s_words(world: World) -> None:
    before = len(world.upstream.requests)
    answer = world.chat("forbidden")
    assert (answer.status, answer.error_code) == (403, "policy_denied")
    error = answer.json()["error"]
    assert (error["type"], error["param"]) == ("invalid_request_error", "model")
    says(error["message"])
    assert len(world.upstream.requests) == before, "nobody was asked"


def test_nobody_who_may_answer_is_403_in_the_words_of_responses(world: World) -> None:
    answer = world.post("/v1/responses", model="forbidden", input="Hi")
    assert (answer.status, answer.error_code) == (403, "policy_denied")
    says(answer.json()["error"]["message"])


def test_nobody_who_may_answer_is_403_in_anthropic_s_words(world: World) -> None:
    answer = world.post("/v1/messages", model="forbidden", max_tokens=9, messages=ASK)
    told = answer.json()
    assert (answer.status, told["type"], told["error"]["type"]) == (403, "error", "permission_error")
    assert told["error"]["details"] == {"error_code": "policy_denied", "param": "model"}
    says(told["error"]["message"])


def test_nobody_who_may_answer_is_403_in_gemini_s_words(world: World) -> None:
    answer = world.post("/v1beta/models/forbidden:generateContent", contents=CONTENTS)
    error = answer.json()["error"]
    assert (answer.status, error["code"], error["status"]) == (403, 403, "PERMISSION_DENIED")
    assert error["details"][0]["reason"] == "POLICY_DENIED"
    says(error["message"])


def says(message: str) -> None:
    """Assert that a denial names the deployment, the verdict, licence and clause, and who is permitted."""
    rules = shipped_catalogue().licences["cohere-cc-by-nc-4.0"].prohibits
    assert message.startswith('No deployment of "forbidden" is permitted. acme/command: deny, ')
    assert any(f"{rule.text.rstrip('.')} [cohere-cc-by-nc-4.0, {rule.clause}]" in message for rule in rules)
    permitted = message.partition(" Permitted: ")[2].removesuffix(".").split(", ")
    assert 1 <= len(permitted) <= 3
    assert set(permitted) <= {name for name in DEPLOYMENTS if name != "acme/command"}


@pytest.mark.parametrize(
    ("path", "fields"),
    [
        ("/v1/chat/completions", {"messages": ASK, "stream": True}),
        ("/v1/messages/count_tokens", {"messages": ASK}),
        ("/v1/completions", {"prompt": "Hi"}),
        ("/v1/embeddings", {"input": "Hi"}),
        ("/v1/responses", {"input": "Hi", "previous_response_id": "resp_of_another"}),
    ],
)
@pytest.mark.parametrize("model", ["forbidden", "acme/command"])
def test_no_endpoint_lets_a_denied_deployment_answer(
    world: World, path: str, fields: dict[str, Any], model: str
) -> None:
    before = len(world.upstream.requests)
    answer = world.post(path, model=model, **fields)
    assert answer.status == 403
    assert len(world.upstream.requests) == before
    exchange = exchange_of(world.served, answer)
    assert (exchange.route, exchange.outcome, exchange.attempts) == (model, "rejected", ())
    assert exchange.decided is not None
    assert (exchange.decided.decision, exchange.decided.purpose) == ("deny", "shop")


def test_a_form_is_denied_and_the_denial_is_on_record(world: World) -> None:
    form = model_part("forbidden") + file_part(b"RIFF" * 100) + f"--{BOUNDARY}--\r\n".encode()
    headers = {
        "authorization": f"Bearer {world.keys['shop']}",
        "content-type": f"multipart/form-data; boundary={BOUNDARY}",
    }
    with world.served.connect() as http:
        answer = http.request("POST", "/v1/audio/transcriptions", form, headers)
    assert (answer.status, answer.error_code) == (403, "policy_denied")
    exchange = exchange_of(world.served, answer)
    assert exchange.decided is not None
    assert exchange.decided.decision == "deny"


def test_a_model_without_a_card_is_denied_as_unknown(world: World) -> None:
    answer = world.chat("acme/ok")
    assert answer.status == 403
    assert "acme/ok: unknown, No card describes acme/ok: nothing is known of it" in answer.json()["error"]["message"]


def test_a_field_of_use_that_a_licence_bars_is_denied_with_its_clause(world: World) -> None:
    message = world.chat("acme/llama", "arms").json()["error"]["message"]
    assert re.search(r"acme/llama: deny, .* \[llama-3\.1, [^\]]*\]", message)


def test_a_denial_is_not_recorded_where_the_route_records_nothing(world: World) -> None:
    answer = world.chat("unrecorded")
    assert answer.status == 403
    assert answer.header("x-request-id") not in [one.id for one in journalled(world.served.home)]


def test_a_key_of_few_routes_is_not_told_about_others(world: World) -> None:
    answer = world.chat("forbidden", "narrow")
    assert (answer.status, answer.error_code) == (403, "route_not_allowed")
    assert "acme/command" not in answer.body.decode()
    assert world.chat("kind", "narrow").status == 200


# Plans: what is denied is not in them, whatever goes wrong.


@pytest.mark.parametrize("name", ["kind", "weighted", "fastest", "cheapest"])
def test_every_strategy_skips_what_is_denied(world: World, name: str) -> None:
    before = len(world.asked())
    found = [world.chat(name).header("x-steelyard-deployment") for _ in range(12)]
    assert set(found) <= {"acme/llama", "acme/phi"}
    assert "words:2" not in world.asked()[before:]
    assert world.chat(name, "lab").status == 200


def test_the_same_route_may_answer_another_purpose_by_what_this_one_may_not_use(world: World) -> None:
    assert world.chat("kind", "lab").header("x-steelyard-deployment") == "acme/command"
    assert world.chat("kind", "shop").header("x-steelyard-deployment") == "acme/llama"
    assert world.chat("cheapest", "lab").header("x-steelyard-deployment") == "acme/command"
    assert world.chat("cheapest", "shop").header("x-steelyard-deployment") == "acme/llama"


def test_a_fallback_passes_over_what_is_denied(world: World) -> None:
    answer = world.chat("falls")
    assert (answer.status, answer.header("x-steelyard-deployment")) == (200, "acme/phi")
    assert [one.deployment for one in exchange_of(world.served, answer).attempts] == ["acme/llama-down", "acme/phi"]


def test_when_all_that_are_permitted_fail_nobody_else_is_asked(world: World) -> None:
    before = len(world.asked())
    codes = set()
    for _ in range(6):  # until the breakers of both open, too
        answer = world.chat("fails")
        codes.add((answer.status, answer.error_code))
        tried = {one.deployment for one in exchange_of(world.served, answer).attempts}
        assert tried <= {"acme/llama-cut", "acme/llama-mute"}
    assert codes <= {(502, "upstream_cut"), (504, "upstream_timeout_first_byte"), (503, "deployments_resting")}
    assert (503, "deployments_resting") in codes
    assert "words:2" not in world.asked()[before:]


def test_a_permitted_one_that_fails_alone_is_the_client_s_answer(world: World) -> None:
    before = len(world.asked())
    answer = world.chat("lost")
    assert answer.status == 404
    assert set(world.asked()[before:]) == {"status:404"}


# Duties.


def test_duties_travel_with_whole_answers_streams_and_translated_ones(world: World) -> None:
    duties = world.chat("acme/llama").header("x-steelyard-duties")
    assert duties is not None
    told = [_item(one) for one in _items(duties)]
    licence = shipped_catalogue().licences["llama-3.1"]
    display = next(duty for duty in licence.duties if duty.kind == "display")
    assert ("display", {"show": "Built with Llama", "licence": "llama-3.1", "clause": display.clause}) in told
    assert world.chat("acme/llama", stream=True).header("x-steelyard-duties") == duties
    for stream in (False, True):
        translated = world.post("/v1/messages", model="acme/llama", max_tokens=9, messages=ASK, stream=stream)
        assert (translated.status, translated.header("x-steelyard-duties")) == (200, duties)
    gemini = world.post("/v1beta/models/acme%2Fllama:streamGenerateContent?alt=sse", contents=CONTENTS)
    assert (gemini.status, gemini.header("x-steelyard-duties")) == (200, duties)


def test_who_owes_nothing_is_told_of_no_duties(world: World) -> None:
    answer = world.chat("acme/phi")
    assert (answer.status, answer.header("x-steelyard-duties")) == (200, None)


def test_a_provider_cannot_say_what_is_owed(gateway: StartGateway) -> None:
    answer = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nx-steelyard-duties: display\r\nx-other: 1\r\n"
    with ScriptedUpstream(lambda _: Reply((answer + b"content-length: %d\r\n\r\n%b" % (len(ANSWER), ANSWER),))) as up:
        served = gateway(config_text({"acme": up.base_url}))
        with served.connect() as http:
            got = http.chat("acme/m")
    assert (got.status, got.header("x-other"), got.header("x-steelyard-duties")) == (200, "1", None)


def _items(field: str) -> list[str]:
    """Return the members of a list of tokens with parameters (RFC 9651, 4.2.1)."""
    member = re.compile(r'[a-z-]+(?:;[a-z]+="(?:[^"\\]|\\["\\])*")*')
    found, at = [], 0
    while at < len(field):
        match = member.match(field, at)
        assert match is not None, field[at:]
        found.append(match[0])
        at = match.end()
        if at < len(field):
            assert field[at : at + 2] == ", ", field[at:]
            at += 2
    return found


def _item(member: str) -> tuple[str, dict[str, str]]:
    return member.partition(";")[0], dict(re.findall(r';([a-z]+)="([^"]*)"', member))


# The record.


def test_the_exchange_says_by_what_it_was_decided_and_the_ledger_shows_it(world: World) -> None:
    answer = world.chat("kind")
    exchange = exchange_of(world.served, answer)
    decided = exchange.decided
    assert decided is not None
    assert (decided.decision, decided.purpose) == ("duties", "shop")
    digests = (decided.purpose_sha256, decided.card_sha256, decided.terms_sha256, decided.basis_sha256)
    assert all(one is not None and re.fullmatch("[0-9a-f]{64}", one) for one in digests)
    assert (world.served.home / "policy" / f"{decided.basis_sha256}.json").is_file()
    assert any(kind == "display" and "Built with Llama" in text for kind, text, _ in decided.duties)
    assert exchange.rights == "train=yes;name=Llama"
    with world.served.beside("clerk"):
        row = until(lambda: shown(world, exchange.id), "the exchange in the ledger", 20)
    assert row["decided"]["basis_sha256"] == decided.basis_sha256
    assert row["decided"]["duties"] == [
        {"kind": kind, "text": text, "clause": clause} for kind, text, clause in decided.duties
    ]
    assert row["rights"] == "train=yes;name=Llama"


def shown(world: World, name: str) -> Any:
    try:
        return world.served.steelyard("ledger", "show", name)
    except AssertionError:
        return None  # not there yet


def test_rights_are_on_record_without_a_purpose_too(gateway: StartGateway, provider: FakeProvider) -> None:
    facts = {"acme/llama": {"model": "ok", "card": LLAMA}, "acme/strange": {"model": "ok"}}
    providers: dict[str, Any] = {"acme": {"base_url": provider.base_url, "self_hosted": True}}
    served = gateway(config_text(providers, deployments=facts))
    with served.connect() as http:
        found = [exchange_of(served, http.chat(name)) for name in ("acme/llama", "acme/strange")]
    assert [one.decided for one in found] == [None, None]
    assert [one.rights for one in found] == ["train=yes;name=Llama", "train=unknown"]


def test_what_a_decision_is_made_from_must_be_kept_where_exchanges_are(
    gateway: StartGateway, provider: FakeProvider
) -> None:
    served = gateway(configured(provider, purpose="shop"))
    (served.home / "policy").write_text("a file is in the way")
    with served.connect() as http:
        answer = http.chat("kind")
        assert (answer.status, answer.error_code) == (503, "not_recordable")
        assert provider.requests == []
        assert http.chat("unrecorded").status == 403, "what is not recorded needs no basis"
        (served.home / "policy").unlink()
        assert http.chat("kind").status == 200


# Whose purpose counts.


def test_a_key_s_purpose_counts_before_the_default(world: World) -> None:
    assert world.chat("forbidden", "plain").status == 200
    exchange = exchange_of(world.served, world.chat("forbidden", "plain"))
    assert exchange.decided is not None
    assert exchange.decided.purpose == "lab"
    assert world.chat("forbidden", "shop").status == 403


def test_a_key_whose_purpose_is_no_longer_configured_is_refused(world: World) -> None:
    before = len(world.upstream.requests)
    for path, fields in (
        ("/v1/chat/completions", {"messages": ASK}),
        ("/v1/messages", {"messages": ASK, "max_tokens": 9}),
    ):
        answer = world.post(path, "past", model="kind", **fields)
        assert answer.status == 403
        assert 'No purpose is called "past". Add [purposes.past] to steelyard.toml.' in answer.body.decode().replace(
            '\\"', '"'
        )
    assert world.get("/v1/models", "past").status == 403
    assert len(world.upstream.requests) == before


def test_a_route_s_demands_and_a_key_s_purpose_are_stricter_together(world: World) -> None:
    assert world.chat("strict", "lab").header("x-steelyard-deployment") == "acme/command"
    answer = world.chat("strict", "shop")
    assert answer.status == 403
    message = answer.json()["error"]["message"]
    assert "acme/command: deny, " in message
    assert 'hosted/phi: deny, Provider "hosted" keeps inputs for 30 days; at most 0 are demanded' in message
    assert world.chat("hosted/phi", "shop").status == 200, "alone, it may"


# What is listed.


def listed(world: World, key: str) -> dict[str, set[str]]:
    return {
        "openai": {one["id"] for one in world.get("/v1/models", key).json()["data"]},
        "anthropic": {one["id"] for one in world.get("/v1/models", key, anthropic_version="2023-06-01").json()["data"]},
        "gemini": {one["name"].removeprefix("models/") for one in world.get("/v1beta/models", key).json()["models"]},
    }


def test_each_dialect_s_list_holds_only_what_a_purpose_permits(world: World) -> None:
    for names in listed(world, "shop").values():
        assert {"kind", "falls", "weighted", "acme/llama", "acme/phi", "hosted/phi"} <= names
        assert not names & {"forbidden", "unrecorded", "strict", "acme/command"}
    for names in listed(world, "lab").values():
        assert {"kind", "forbidden", "strict", "acme/command", "acme/llama"} <= names
    assert listed(world, "narrow") == {"openai": {"kind"}, "anthropic": {"kind"}, "gemini": {"kind"}}


def test_a_model_that_is_not_permitted_is_not_shown(world: World) -> None:
    assert world.get("/v1/models/forbidden", "lab").status == 200
    answer = world.get("/v1/models/forbidden", "shop")
    assert (answer.status, answer.error_code) == (403, "policy_denied")
    assert world.get("/v1/models/acme%2Fcommand", "shop").status == 403
    assert world.get("/v1beta/models/forbidden", "shop").json()["error"]["status"] == "PERMISSION_DENIED"
    assert world.get("/v1/models/forbidden", "narrow").error_code == "route_not_allowed"
