"""Items drawn from the ledger: whose traffic they are, which are left out, and that a seed draws the same anywhere."""

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from steelyard.config.settings import LedgerSettings
from steelyard.core.errors import ConfigError
from steelyard.core.exchange import Decided, Exchange
from steelyard.keys.file import KeyFile
from steelyard.ledger.clerk import Clerk
from steelyard.ledger.store import Ledger, open_ledger, sqlite_url
from steelyard.weigh.items.from_ledger import Draw, Drawn, items_of_ledger
from steelyard.weigh.items.weighed import weighed_exchanges, weighing_keys
from steelyard.weigh.runs.call import Call
from steelyard.weigh.runs.folder import Weighings
from steelyard.weigh.runs.plan import Plan
from tests.conftest import StartGateway
from tests.fake import TEXT, FakeProvider
from tests.journal.samples import exchange
from tests.ledger.postgres import PostgresServer
from tests.ledger.samples import journal_of
from tests.support import config_text

MONDAY = 1_760_313_600.0  # 2025-10-13T00:00:00Z
DAY = 86_400.0


def _asked(text: str, **fields: Any) -> bytes:
    return json.dumps({"model": "assistant", "messages": [{"role": "user", "content": text}], **fields}).encode()


def _answered(text: str | None, **message: Any) -> bytes:
    told = {"role": "assistant", "content": text, **message}
    return json.dumps(
        {
            "id": "1",
            "object": "chat.completion",
            "created": 1,
            "model": "m",
            "choices": [{"index": 0, "message": told, "finish_reason": "stop"}],
        }
    ).encode()


def _call(number: int, request: bytes | None = None, response: bytes | None = None, **changes: Any) -> Exchange:
    """Return a call in full; without bodies given, one that asks what no other does."""
    kept = changes.get("record") != "metadata"
    request = request or _asked(f"What is {number} + 1?")
    fields = {
        "endpoint": "chat/completions",
        "received_at": MONDAY + number,
        "record": "full",
        "request": request if kept else None,
        "response": (response or _answered(f"It is {number + 1}.")) if kept else None,
        "request_bytes": len(request),
    }
    return exchange(number, **{**fields, **changes})


def _fill(ledger: Ledger, directory: Path, exchanges: list[Exchange]) -> Ledger:
    journal_of(directory / "journal", exchanges)
    return _taken(ledger, directory / "journal")


def _taken(ledger: Ledger, journal: Path) -> Ledger:
    with Clerk(ledger, journal, LedgerSettings(retention_days=36_500)) as clerk:
        while clerk.step():
            continue
    return ledger


def _sqlite(directory: Path, exchanges: list[Exchange]) -> Ledger:
    directory.mkdir(exist_ok=True)
    return _fill(open_ledger(sqlite_url(directory / "ledger.sqlite3")), directory, exchanges)


def _kinds(drawn: Drawn) -> dict[str, str]:
    return {flag.kind: flag.text for flag in drawn.flags}


@pytest.fixture(scope="module")
def postgres() -> Iterator[PostgresServer]:
    with PostgresServer() as server:
        yield server


def test_an_item_asks_what_was_asked_and_knows_where_it_comes_from(tmp_path: Path) -> None:
    body = json.dumps(
        {
            "model": "assistant",
            "messages": [
                {"role": "system", "content": "Be brief."},
                {"role": "user", "content": "Hello"},
                {"role": "assistant", "content": "Yes?"},
                {"role": "user", "content": "Who are you?"},
            ],
            "temperature": 0.2,
            "max_completion_tokens": 50,
            "stream": False,
            "user": "maria@example.org",
            "n": 1,
        }
    ).encode()
    ledger = _sqlite(tmp_path, [_call(1, body, _answered("A scale."))])
    (item,) = items_of_ledger(ledger, "assistant", Draw(n=5)).items
    assert item.id == item.place == "req_00000000000000000000000000000001"
    assert [message["content"] for message in item.messages] == ["Be brief.", "Hello", "Yes?", "Who are you?"]
    assert item.request == {"temperature": 0.2, "max_completion_tokens": 50}  # neither who asked, nor how it was sent
    cluster = item.row.pop("cluster")
    assert len(cluster) == 16
    assert item.row == {
        "exchange": item.id,
        "route": "assistant",
        "deployment": "openai/gpt-4.1",
        "key": "team-a",
        "purpose": None,
        "dialect": "openai",
        "day": "2025-10-13",
        "stream": False,
        "turns": 2,
        "input_bytes": len(body),
        "reference": "A scale.",
        "weight": 1,
    }


def test_turns_of_one_conversation_are_one_cluster(tmp_path: Path) -> None:
    first = [{"role": "user", "content": "Hello"}]
    second = [*first, {"role": "assistant", "content": "Yes?"}, {"role": "user", "content": "Who are you?"}]
    bodies = [json.dumps({"model": "assistant", "messages": messages}).encode() for messages in (first, second)]
    ledger = _sqlite(tmp_path, [_call(1, bodies[0]), _call(2, bodies[1]), _call(3)])
    items = {
        item.row["turns"] if item.row["exchange"][-1] != "3" else 0: item
        for item in items_of_ledger(ledger, "assistant", Draw(n=9)).items
    }
    assert items[1].row["cluster"] == items[2].row["cluster"] != items[0].row["cluster"]


def test_the_same_seed_draws_the_same_from_both_databases_and_in_any_order(
    tmp_path: Path, postgres: PostgresServer
) -> None:
    calls = [_call(number, received_at=MONDAY + DAY * (number % 5), stream=False) for number in range(120)]
    draw = Draw(n=30, seed=7, stratify_by=("day", "input"))
    one = items_of_ledger(_sqlite(tmp_path / "one", calls), "assistant", draw)
    two = items_of_ledger(_sqlite(tmp_path / "two", calls[::-1]), "assistant", draw)
    (tmp_path / "three").mkdir()
    other = open_ledger(postgres.new_database())
    three = items_of_ledger(_fill(other, tmp_path / "three", calls), "assistant", draw)
    other.close()
    assert one == two == three
    assert len(one.items) == 30
    another = items_of_ledger(_sqlite(tmp_path / "four", calls), "assistant", Draw(n=30, seed=8))
    assert {item.id for item in another.items} != {item.id for item in one.items}


def test_each_stratum_gives_its_share(tmp_path: Path) -> None:
    calls = [
        _call(number, received_at=MONDAY + DAY * (number >= 60), key="b" if number % 4 == 0 else "a")
        for number in range(80)
    ]
    items = items_of_ledger(_sqlite(tmp_path, calls), "assistant", Draw(n=20, stratify_by=("day", "key"))).items
    counts = Counter((item.row["day"], item.row["key"]) for item in items)
    # 45, 15, 15 and 5 exchanges in 80: shares of 11.25, 3.75, 3.75 and 1.25.
    assert counts == {("2025-10-13", "a"): 11, ("2025-10-13", "b"): 4, ("2025-10-14", "a"): 4, ("2025-10-14", "b"): 1}


def test_purposes_are_strata_whatever_else_was_decided(tmp_path: Path) -> None:
    shop = [Decided("allow", "shop", digest, None, None, "b") for digest in ("a", "c")]
    calls = [_call(number, decided=shop[number % 2] if number < 10 else None) for number in range(20)]
    drawn = items_of_ledger(_sqlite(tmp_path, calls), "assistant", Draw(n=10, stratify_by=("purpose",)))
    assert Counter(item.row["purpose"] for item in drawn.items) == {"shop": 5, None: 5}
    assert "by purpose (strata: 2)" in _kinds(drawn)["drawn"]


def test_what_one_stratum_cannot_give_the_others_do(tmp_path: Path) -> None:
    same = [_call(number, _asked("Hello")) for number in range(10)]
    others = [_call(number, received_at=MONDAY + DAY) for number in range(10, 20)]
    drawn = items_of_ledger(_sqlite(tmp_path, same + others), "assistant", Draw(n=10))
    assert Counter(item.row["day"] for item in drawn.items) == {"2025-10-13": 1, "2025-10-14": 9}
    assert sum(item.row["weight"] for item in drawn.items) == 19
    assert _kinds(drawn)["repeated"].startswith("Exchanges that ask what another one asks: 9.")


def test_a_request_that_only_its_sender_tells_apart_counts_once_with_its_weight(tmp_path: Path) -> None:
    calls = [
        _call(1, _asked("Hello", user="a")),
        _call(2, _asked("Hello", user="b", stream=False)),
        _call(3, _asked("Hello", temperature=1)),
    ]
    drawn = items_of_ledger(_sqlite(tmp_path, calls), "assistant", Draw(n=9))
    assert sorted((item.request.get("temperature"), item.row["weight"]) for item in drawn.items if item.request) == [
        (1, 1)
    ]
    assert [item.row["weight"] for item in drawn.items if not item.request] == [2]


def test_what_is_left_out_is_counted_with_the_reason(tmp_path: Path) -> None:
    image = [{"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}]
    picture = json.dumps({"model": "assistant", "messages": [{"role": "user", "content": image}]}).encode()
    calls_tool = _answered(
        None, tool_calls=[{"id": "c", "type": "function", "function": {"name": "look", "arguments": "{}"}}]
    )
    ledger = _sqlite(
        tmp_path,
        [
            _call(1),
            _call(2, picture),
            _call(3, None, calls_tool),
            _call(4, b'{"model": "assistant", "messages": "none"}'),
            _call(5, record="metadata"),
            _call(6, outcome="cut"),
            _call(7, endpoint="embeddings"),
            _call(8, route="other"),
            _call(9, received_at=MONDAY + 9 * DAY),
        ],
    )
    drawn = items_of_ledger(ledger, "assistant", Draw(n=9, until=MONDAY + DAY))
    assert [item.row["reference"] for item in drawn.items] == ["It is 2."]
    told = _kinds(drawn)
    assert told["drawn"] == (
        "Drawn by seed 0 from the exchanges of assistant: 1 of 4, in proportion by day (strata: 1)."
    )
    assert told["fewer_drawn"] == "Fewer items than asked for: 1 of 9."
    assert told["not_decodable"].endswith(": 1 (1 × messages: expected an array, got a string).")
    for kind in ("media", "tool_calls"):
        assert told[kind].startswith("Left out of the 4 looked at, ")
    for kind in ("media", "tool_calls", "not_kept", "failed", "no_chat"):
        assert told[kind].endswith(": 1.")

    kept = items_of_ledger(ledger, "assistant", Draw(n=9, until=MONDAY + DAY, keep=("media", "tool_calls"))).items
    assert len(kept) == 3
    (called,) = [item for item in kept if "reference_calls" in item.row]
    assert called.row["reference_calls"][0]["function"] == {"name": "look", "arguments": "{}"}
    assert called.row["reference"] is None


def test_requests_of_other_dialects_are_put_in_chat_completions(tmp_path: Path) -> None:
    anthropic = json.dumps(
        {
            "model": "assistant",
            "max_tokens": 64,
            "top_k": 5,
            "system": "Be brief.",
            "stream": True,
            "messages": [{"role": "user", "content": [{"type": "text", "text": "Hello"}]}],
        }
    ).encode()
    events = [
        (
            "message_start",
            {
                "type": "message_start",
                "message": {
                    "id": "m",
                    "type": "message",
                    "role": "assistant",
                    "model": "m",
                    "content": [],
                    "stop_reason": None,
                    "stop_sequence": None,
                    "usage": {"input_tokens": 1, "output_tokens": 1},
                },
            },
        ),
        (
            "content_block_start",
            {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
        ),
        (
            "content_block_delta",
            {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "Good "}},
        ),
        (
            "content_block_delta",
            {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "day."}},
        ),
        ("content_block_stop", {"type": "content_block_stop", "index": 0}),
        (
            "message_delta",
            {
                "type": "message_delta",
                "delta": {"stop_reason": "end_turn", "stop_sequence": None},
                "usage": {"output_tokens": 3},
            },
        ),
        ("message_stop", {"type": "message_stop"}),
    ]
    stream = "".join(f"event: {name}\ndata: {json.dumps(data)}\n\n" for name, data in events).encode()
    gemini = json.dumps({"contents": [{"role": "user", "parts": [{"text": "Hello, Gemini"}]}]}).encode()
    said = json.dumps(
        {"candidates": [{"content": {"role": "model", "parts": [{"text": "Hi."}]}, "finishReason": "STOP"}]}
    ).encode()
    responses = json.dumps(
        {"model": "assistant", "input": "Hello, Responses", "previous_response_id": "resp_1"}
    ).encode()
    ledger = _sqlite(
        tmp_path,
        [
            _call(1, anthropic, stream, dialect="anthropic", endpoint="messages", stream=True),
            _call(2, gemini, said, dialect="gemini", endpoint="generateContent"),
            _call(3, responses, b"{}", dialect="openai-responses", endpoint="responses"),
        ],
    )
    drawn = items_of_ledger(ledger, "assistant", Draw(n=9))
    items = {item.row["dialect"]: item for item in drawn.items}
    assert items["anthropic"].messages == (
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Hello"},
    )
    assert items["anthropic"].request == {"max_tokens": 64}
    assert items["anthropic"].row["reference"] == "Good day."
    assert items["gemini"].messages == ({"role": "user", "content": "Hello, Gemini"},)
    assert items["gemini"].row["reference"] == "Hi."
    assert set(items) == {"anthropic", "gemini"}  # what a provider keeps of a conversation, nobody else knows
    assert "previous_response_id" in _kinds(drawn)["not_decodable"]
    assert "top_k (1)" in _kinds(drawn)["losses"]


def test_what_a_gateway_recorded_is_asked_again_whatever_dialect_it_came_in(
    gateway: StartGateway, provider: FakeProvider, tmp_path: Path
) -> None:
    routes = {"assistant": {"deployments": ["acme/ok"]}}
    served = gateway(config_text({"acme": provider.base_url}, routes=routes, server={"record": "full"}))
    with served.connect() as http:
        for number, streams in enumerate((False, True)):
            asked = [{"role": "user", "content": f"Hello {number}"}]
            contents = [{"role": "user", "parts": [{"text": f"Hello {number}, Gemini"}]}]
            method = "streamGenerateContent?alt=sse" if streams else "generateContent"
            for path, fields in (
                ("/v1/chat/completions", {"model": "assistant", "messages": asked, "stream": streams}),
                ("/v1/messages", {"model": "assistant", "messages": asked, "max_tokens": 64, "stream": streams}),
                ("/v1/responses", {"model": "assistant", "input": f"Hi {number}", "stream": streams}),
                (f"/v1beta/models/assistant:{method}", {"contents": contents}),
            ):
                answer = http.request("POST", path, json.dumps(fields).encode(), {"content-type": "application/json"})
                assert answer.status == 200, answer.body
    ledger = _taken(open_ledger(sqlite_url(tmp_path / "ledger.sqlite3")), served.home / "journal")
    drawn = items_of_ledger(ledger, "assistant", Draw(n=20, stratify_by=("dialect", "stream")))
    kinds = {(item.row["dialect"], item.row["stream"]) for item in drawn.items}
    dialects = ("openai", "anthropic", "openai-responses", "gemini")
    assert kinds == {(dialect, streams) for dialect in dialects for streams in (False, True)}
    assert {item.row["reference"] for item in drawn.items} == {" ".join(TEXT)}
    assert {item.row["deployment"] for item in drawn.items} == {"acme/ok"}
    said = {item.messages[-1]["content"] for item in drawn.items}
    assert said == {"Hello 0", "Hello 1", "Hi 0", "Hi 1", "Hello 0, Gemini", "Hello 1, Gemini"}


def test_exchanges_of_weighings_are_nobodys_traffic(tmp_path: Path) -> None:
    calls = [_call(number) for number in range(4)]
    ledger = _sqlite(tmp_path, calls)
    weighings = Weighings(tmp_path)
    plan = Plan(
        id="20251013-000000-abcd",
        kind="live",
        created="",
        code="",
        title="",
        source="",
        models=("m",),
        items=0,
        items_sha256="",
    )
    folder = weighings.create(plan, [])
    with folder.appending("calls.jsonl") as calls_file:
        calls_file.append(
            Call(item="1", model="m", repeat=0, exchange=calls[2].id, status=200, output="", started_at=0.0, took_s=0.0)
        )
        calls_file.append(
            Call(item="2", model="m", repeat=0, exchange=None, status=None, output=None, started_at=0.0, took_s=0.0)
        )
    drawn = items_of_ledger(ledger, "assistant", Draw(n=9), weighed_exchanges(weighings))
    assert sorted(item.id[-1] for item in drawn.items) == ["0", "1", "3"]
    assert _kinds(drawn)["weighed"] == "Left out, made by weighings: 1."


def test_keys_that_weighings_made_for_themselves_tell_their_calls(tmp_path: Path) -> None:
    keys = KeyFile(tmp_path / "keys.json")
    made = [keys.create(name)[0].id for name in ("weigh-1760313600000", "weigh-team", "team-a")]
    ledger = _sqlite(tmp_path, [_call(number, key=key) for number, key in enumerate(made)])
    draw = Draw(n=9, without_keys=weighing_keys(tmp_path))
    drawn = items_of_ledger(ledger, "assistant", draw)
    assert {item.row["key"] for item in drawn.items} == set(made[1:])
    assert _kinds(drawn)["weighed"] == "Left out, made by weighings: 1."
    assert weighing_keys(tmp_path / "none") == frozenset()


def test_a_route_that_gives_nothing_says_why(tmp_path: Path) -> None:
    ledger = _sqlite(tmp_path, [_call(1, record="metadata"), _call(2, _asked(""), route="other")])
    with pytest.raises(ConfigError, match=r'"assistant" can be an item. Left out, without bodies .*: 1'):
        items_of_ledger(ledger, "assistant", Draw(n=1))
    with pytest.raises(ConfigError, match=r'no exchange of a route "asistant" in this time.*"assistant"'):
        items_of_ledger(ledger, "asistant", Draw(n=1))
    broken = _sqlite(tmp_path / "broken", [_call(1, b"{}")])
    with pytest.raises(ConfigError, match=r"makes an item. Left out of the 1 .* messages: is missing"):
        items_of_ledger(broken, "assistant", Draw(n=1))
