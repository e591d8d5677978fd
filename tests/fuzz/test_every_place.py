"""Odd values in every place of a request, in every dialect: it is read or refused, and what was read can be told to
every other dialect, or is refused; nothing else happens."""

import json
from itertools import islice

import pytest

from steelyard.core.errors import BadRequest
from steelyard.core.losses import Losses
from steelyard.dialects.check import check
from steelyard.dialects.dialect import Facts
from steelyard.dialects.table import DIALECTS, UPSTREAM_DIALECTS
from tests.fuzz.bodies import RICH, each_change
from tests.fuzz.rig import EXAMPLES

STRIDE = max(1, 250 // EXAMPLES)
"""Not every value in every place, unless more examples are asked for."""
FACTS = Facts("m", 4096, True)


@pytest.mark.parametrize("client", RICH)
def test_an_odd_value_anywhere_is_read_or_refused(client: str) -> None:
    read = refused = untold = 0
    for path, value, body in islice(each_change(RICH[client]), 0, None, STRIDE):
        try:
            in_path = client == "gemini"
            raw = json.dumps(body).encode()
            request = DIALECTS[client].decode_request(
                raw, model="m" if in_path else None, stream=False if in_path else None
            )
            read += 1
            for upstream in UPSTREAM_DIALECTS.values():
                try:
                    check(request)
                    json.loads(upstream.encode_request(request, FACTS, Losses()))
                except BadRequest:
                    untold += 1
        except BadRequest:
            refused += 1
        except Exception as error:  # whatever it is, what brought it about must be told
            raise AssertionError(f"{client}: {value!r:.80} at {path}: {type(error).__name__}: {error}") from error
    assert read > 10
    assert refused > 10
    assert untold < read * len(UPSTREAM_DIALECTS)
