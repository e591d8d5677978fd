"""Wire to core to wire again: within the dialect nothing gets lost."""

import json

from hypothesis import given, settings

from steelyard.core.losses import Losses
from steelyard.dialects.dialect import Facts
from steelyard.dialects.responses import RESPONSES
from tests.dialects.responses.bodies import Json, normal, requests


@given(requests)
@settings(max_examples=50, deadline=None)
def test_a_request_of_this_dialect_is_written_again_as_it_came(body: Json) -> None:
    request = RESPONSES.decode_request(json.dumps(body).encode())
    losses = Losses()

    written = json.loads(RESPONSES.encode_request(request, Facts("m"), losses))

    assert normal(written) == normal(body)
    assert losses.all() == ()


@given(requests)
@settings(max_examples=25, deadline=None)
def test_what_is_written_again_decodes_to_the_same_request(body: Json) -> None:
    once = RESPONSES.decode_request(json.dumps(body).encode())

    again = RESPONSES.decode_request(RESPONSES.encode_request(once, Facts("m"), Losses()))

    wire = [json.loads(RESPONSES.encode_request(one, Facts("m"), Losses())) for one in (once, again)]
    assert wire[0] == wire[1]
