"""What a call may take at most: no usage within its bounds costs more, whatever the tariff."""

import json
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from steelyard.catalog.tariff import Extras, Tariff, Tier
from steelyard.core.usage import Usage
from steelyard.limits import Facts, ceiling_of, refers
from steelyard.limits.ceiling import atto_of_cost

rates = st.integers(0, 10**9).map(lambda count: Decimal(count).scaleb(-14))
maybe = st.none() | rates


@st.composite
def flat(draw: st.DrawFn) -> Tariff:
    """Draw a tariff without tiers."""
    extras = None
    if draw(st.booleans()):
        extras = Extras(input_audio=draw(maybe), output_audio=draw(maybe), reasoning=draw(maybe), per_call=draw(rates))
    return Tariff(
        input=draw(rates), cached=draw(rates), cache_write=draw(rates), output=draw(maybe), source="x", extras=extras
    )


@st.composite
def tariffs(draw: st.DrawFn) -> Tariff:
    """Draw a tariff, with tiers or without."""
    base = draw(flat())
    starts = sorted(draw(st.sets(st.integers(0, 5000), max_size=2)))
    tiers = tuple(Tier(start, draw(flat())) for start in starts)
    return Tariff(
        input=base.input,
        cached=base.cached,
        cache_write=base.cache_write,
        output=base.output,
        source="x",
        extras=base.extras,
        tiers=tiers,
    )


parts = st.none() | st.integers(0, 3000)


@given(st.lists(tariffs(), min_size=1, max_size=3), st.data())
def test_no_usage_within_the_bounds_costs_more(every: list[Tariff], data: st.DataObject) -> None:
    ceiling = ceiling_of(Facts(one, 100, 1000) for one in every)
    reads, writes = data.draw(st.integers(0, 10_000)), data.draw(st.integers(0, 10_000))
    bound = reads * ceiling.input_atto + writes * ceiling.output_atto + ceiling.call_atto
    usage = Usage(
        data.draw(st.integers(0, reads)),
        data.draw(st.integers(0, writes)),
        data.draw(parts),
        data.draw(parts),
        data.draw(parts),
        data.draw(parts),
        data.draw(parts),
    )
    for one in every:
        cost = one.cost(usage)
        if cost is not None:
            assert atto_of_cost(cost) <= bound


def test_what_one_deployment_leaves_unknown_is_unknown() -> None:
    tariff = Tariff(input=Decimal(1), cached=Decimal(1), cache_write=Decimal(1), output=Decimal(2), source="x")
    both = ceiling_of([Facts(tariff, 100, 1000), Facts(None, None, None)])
    assert (both.priced, both.unpriced, both.most_output, both.context) == (False, False, -1, -1)
    assert (both.input_atto, both.output_atto) == (10**18, 2 * 10**18)
    known = ceiling_of([Facts(tariff, 100, 1000), Facts(tariff, None, 500)])
    assert (known.priced, known.most_output, known.context) == (True, 500, 1000)
    assert ceiling_of([Facts(None, 1, 1)]).unpriced


CHAT = {"messages": [{"role": "user", "content": "Look up the file, and search for documents."}]}
IMAGE = {
    "messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "https://x.example/i"}}]}]
}


@pytest.mark.parametrize(
    ("body", "dialect", "expected"),
    [
        (CHAT, "", False),
        ({**CHAT, "tools": [{"type": "function", "function": {"name": "search_files", "parameters": {}}}]}, "", False),
        (IMAGE, "", True),
        ({"messages": [{"role": "user", "content": [{"type": "document", "source": {}}]}]}, "", True),
        ({"input": [{"role": "user", "content": [{"type": "input_file", "file_id": "f"}]}]}, "", True),
        ({"input": "Hi", "tools": [{"type": "web_search"}]}, "", True),
        ({"contents": [{"parts": [{"text": "Hi"}]}]}, "gemini", False),
        ({"contents": [{"parts": [{"inlineData": {"data": "aa"}}]}]}, "gemini", True),
        ({"contents": [{"parts": [{"file_data": {}}]}]}, "gemini", True),
        ({"contents": [], "tools": [{"googleSearch": {}}]}, "gemini", True),
        ({"contents": [], "tools": [{"codeExecution": {}}]}, "gemini", True),
        ({"contents": [], "tools": [{"code_execution": {}}]}, "gemini", True),
        ({"contents": [], "tools": [{"googleMaps": {}}]}, "gemini", True),
        ({"contents": [], "tools": [{"google_maps": {}}]}, "gemini", True),
    ],
)
def test_a_body_that_stands_for_more_than_its_text_is_known(
    body: dict[str, object], dialect: str, expected: bool
) -> None:
    assert refers(json.dumps(body).encode(), dialect) is expected


def test_a_word_that_hides_behind_escapes_is_taken_for_one() -> None:
    hidden = json.dumps(IMAGE).replace("image_url", "im\\u0061ge_url").encode()
    assert json.loads(hidden) == IMAGE
    assert refers(hidden, "")
    accented = json.dumps({"messages": [{"role": "user", "content": "Žluťoučký kůň, été"}]}).encode()
    assert b"\\u00" in accented
    assert not refers(accented, "")
