"""Answers in a server that several gateways share."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from redis import Redis

from steelyard.cache.server import ServerCache, open_server
from steelyard.core.errors import StoreError
from tests.cache.entries import entry
from tests.support.ports import free_port
from tests.support.valkey import Valkey

MOST = 1 << 20
A, B = b"a" * 32, b"b" * 32


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Valkey]:
    with Valkey(tmp_path_factory.mktemp("valkey")) as server:
        yield server


@pytest.fixture
def raw(server: Valkey) -> Iterator[Redis]:
    """A connection to the server, which is empty."""
    raw = Redis.from_url(server.url, protocol=2)
    raw.flushdb()
    yield raw
    raw.close()


@pytest.fixture
def store(server: Valkey, raw: Redis) -> Iterator[ServerCache]:
    store = opened(server)
    yield store
    store.close()


def opened(server: Valkey, max_bytes: int = MOST, ttl_s: float = 60.0) -> ServerCache:
    return open_server(server.url, "t", None, max_bytes, ttl_s)


def test_what_one_has_kept_another_finds(server: Valkey, store: ServerCache) -> None:
    kept = entry(b'{"a": "\xc3\xa9"}', key="k1", route="two words")
    store.keep(A, kept)
    other = opened(server)
    assert other.find(A) == kept
    assert other.find(B) is None
    assert [(one.route, one.entries, one.oldest) for one in other.shelved()] == [("two words", 1, kept.made_at)]
    other.close()


def test_the_server_drops_what_is_too_old(server: Valkey, raw: Redis) -> None:
    store = opened(server, ttl_s=3600.0)
    store.keep(A, entry())
    assert 3_590_000 < raw.pttl(f"t answer {A.hex()}") <= 3_600_000
    store.close()
    brief = opened(server, ttl_s=0.05)
    brief.keep(A, entry())
    end = time.monotonic() + 10
    while brief.find(A) is not None:
        assert time.monotonic() < end
    assert brief.shelved() == []
    brief.keep(B, entry(b"new"))
    assert raw.zcard("t answers") == 1, "what is known of it goes with the next that comes"
    assert int(raw.get("t answers size") or 0) < 1000
    brief.close()


def test_those_that_end_first_make_room_and_the_bound_holds(server: Valkey, raw: Redis) -> None:
    store = opened(server, max_bytes=20_000)
    for number in range(12):
        store.keep(bytes([number]) * 32, entry(b"x" * 4000, made_at=1000.0 + number))
        time.sleep(0.002)  # so that they do not end in the same millisecond
        assert int(raw.get("t answers size") or 0) == sum(one.bytes for one in store.shelved()) <= 20_000
    assert store.find(bytes([0]) * 32) is None
    assert store.find(bytes([11]) * 32) is not None
    assert len(raw.keys("t answer *")) == raw.zcard("t answers") == 4
    store.keep(A, entry(b"x" * 30_000))
    assert store.find(A) is None, "what is larger than all is not kept"
    assert raw.zcard("t answers") == 4
    store.close()


def test_answers_leave_room_for_limits_in_a_server_with_little_memory(server: Valkey, raw: Redis) -> None:
    store = opened(server, max_bytes=1 << 30)
    most = int(raw.info("memory")["used_memory"]) + (8 << 20)
    raw.config_set("maxmemory", most)
    try:
        for number in range(16):
            store.keep(bytes([number]) * 32, entry(bytes([number]) * (1 << 20)))
            assert raw.set("limit", "1"), "others can write"
        assert raw.info("memory")["used_memory"] < most
        assert store.find(bytes([15]) * 32) is not None, "the newest is kept, and older ones make room"
        raw.config_set("maxmemory", 1 << 20)
        store.keep(A, entry())
        assert store.find(A) is None
        assert store.shelved() == [], "all make room when others need it"
    finally:
        raw.config_set("maxmemory", 0)
        store.close()


def test_an_answer_takes_the_place_of_the_one_before(store: ServerCache, raw: Redis) -> None:
    store.keep(A, entry(b"old" * 1000))
    store.keep(A, entry(b"new", made_at=1_795_392_001.0))
    found = store.find(A)
    assert found is not None
    assert found.body == b"new"
    assert [one.entries for one in store.shelved()] == [1]
    assert int(raw.get("t answers size") or 0) < 1000


def test_what_may_not_stay_is_erased(store: ServerCache, raw: Redis) -> None:
    store.keep(A, entry(route="private", key="k1"))
    store.keep(B, entry())
    assert store.sift(lambda route, key, at: (route, key, at) != ("private", "k1", 1_795_392_000.0)) == 1
    assert (store.find(A), store.find(B)) == (None, entry())
    assert store.clear("elsewhere", 1.5) == 0
    assert store.clear("assistant", 2.5) == 1
    assert store.clear(None, 3.5) == 0
    assert store.marks() == {"elsewhere": 1.5, "assistant": 2.5, "*": 3.5}
    assert raw.keys("t answer *") == []
    assert int(raw.get("t answers size") or 0) == 0


def test_what_is_no_answer_is_a_miss(store: ServerCache, raw: Redis) -> None:
    raw.hset(f"t answer {A.hex()}", mapping={"m": "x", "c": b"\x81no"})
    assert store.find(A) is None


def test_what_was_spoiled_in_the_server_is_given_to_nobody(store: ServerCache, raw: Redis) -> None:
    store.keep(A, entry(b"what was said"))
    store.keep(B, entry(b"of another"))
    kept, others = raw.hget(f"t answer {A.hex()}", "c"), raw.hget(f"t answer {B.hex()}", "c")
    assert isinstance(kept, bytes)
    assert isinstance(others, bytes)
    for spoiled in (kept[:-1], kept + b"x", kept.replace(b"said", b"sair"), others, b""):
        raw.hset(f"t answer {A.hex()}", "c", spoiled)
        assert store.find(A) is None
    assert store.find(B) == entry(b"of another")


def test_what_stands_under_a_name_of_ours_and_is_of_another_kind_is_no_loss_of_the_server(
    store: ServerCache, raw: Redis
) -> None:
    store.keep(B, entry())
    raw.delete("t answers", "t answers cleared", "t answers size")
    for name in (f"t answer {A.hex()}", "t answers", "t answers cleared"):
        raw.set(name, "junk")
    raw.rpush("t answers size", "junk")
    assert store.find(A) is None
    assert (store.marks(), store.shelved(), store.sift(lambda *_: True)) == ({}, [], 0)
    assert store.find(B) == entry(), "the server is well"
    store.keep(A, entry())
    assert store.find(A) == entry()
    raw.delete(f"t answer {A.hex()}")
    raw.set(f"t answer {A.hex()}", "junk")
    assert store.clear("assistant", 2.5) == 1
    assert store.marks() == {"assistant": 2.5}
    assert raw.exists(f"t answer {A.hex()}") == 0


def test_what_others_have_written_spoils_nothing(store: ServerCache, server: Valkey, raw: Redis) -> None:
    for strange in (b"junk", b"a b c d e", b"\xff \xff"):
        raw.zadd("t answers", {strange: 9e15})
    raw.zadd("t answers", {"over": 1})
    raw.set("t answers size", "many")
    raw.hset("t answers cleared", mapping={"assistant": "yesterday", "other": "2.5"})
    store.keep(A, entry())
    assert store.find(A) == entry()
    assert [one.entries for one in store.shelved()] == [1]
    assert store.marks() == {"other": 2.5}
    assert store.sift(lambda *_: True) == 3
    assert raw.zcard("t answers") == 1
    raw.zadd("t answers", {"first to go": 8e15})
    raw.zadd("t answers", {"junk": 1e13})
    small = opened(server, max_bytes=1000)
    small.keep(B, entry(b"x" * 300))
    assert (small.find(A), small.find(B)) == (None, entry(b"x" * 300))
    small.close()


def test_a_server_that_is_lost_is_told_once_and_then_a_miss(tmp_path: Path) -> None:
    store = open_server(f"redis://:secret@127.0.0.1:{free_port()}/0", "t", None, MOST, 60.0)
    with pytest.raises(StoreError, match=r"\[shared\] url: ConnectionError.*nothing is found there") as caught:
        store.find(A)
    assert "secret" not in str(caught.value)
    assert store.find(A) is None
    store.keep(A, entry())
    assert store.clear(None, 1.0) == 0
    assert store.marks() == {}
    store.close()
