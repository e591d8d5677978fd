"""Answers in memory."""

from collections import OrderedDict

from hypothesis import given
from hypothesis import strategies as st

from steelyard.cache import MemoryStore
from tests.cache.entries import entry

ONE = entry().size


def test_what_was_not_asked_for_the_longest_goes_first() -> None:
    store = MemoryStore(3 * ONE)
    for name in (b"a", b"b", b"c"):
        store.keep(name, entry())
    assert store.find(b"a") is not None
    store.keep(b"d", entry())
    assert [store.find(name) is not None for name in (b"a", b"b", b"c", b"d")] == [True, False, True, True]
    assert store.evicted == 1


def test_an_entry_that_is_larger_than_the_store_is_not_kept_and_evicts_nothing() -> None:
    store = MemoryStore(2 * ONE)
    store.keep(b"a", entry())
    store.keep(b"b", entry(b"x" * 2 * ONE))
    assert (len(store), store.evicted) == (1, 0)


def test_a_smaller_bound_holds_at_once() -> None:
    store = MemoryStore(4 * ONE)
    for name in (b"a", b"b", b"c"):
        store.keep(name, entry())
    store.max_bytes = ONE
    store.shrink()
    assert [one is not None for one in map(store.find, (b"a", b"b", b"c"))] == [False, False, True]


def test_what_may_not_stay_is_dropped() -> None:
    store = MemoryStore(10 * ONE)
    store.keep(b"a", entry(route="one"))
    store.keep(b"b", entry(route="two"))
    assert store.sift(lambda one: one.route == "two") == 1
    assert (store.find(b"a"), len(store), store.size) == (None, 1, ONE)


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 3 * 1024) | st.none()), max_size=60))
def test_it_behaves_as_a_list_in_order_of_use_and_never_holds_more(steps: list[tuple[int, int | None]]) -> None:
    most = 8 * 1024
    store, model = MemoryStore(most), OrderedDict[bytes, int]()
    for number, size in steps:
        name = bytes([number])
        if size is None:
            assert (store.find(name) is not None) is (name in model)
            if name in model:
                model.move_to_end(name)
        else:
            made = entry(b"x" * size)
            store.keep(name, made)
            model.pop(name, None)
            model[name] = made.size
            while sum(model.values()) > most:
                model.popitem(last=False)
        assert store.size == sum(model.values()) <= most
        assert len(store) == len(model)
