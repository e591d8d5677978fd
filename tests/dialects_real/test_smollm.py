"""SmolLM2, run by llama.cpp, answers clients of every dialect."""

import re
from pathlib import Path

import pytest
from msgspec import structs

from tests.cli.program import Program
from tests.matrix.clients import CLIENTS, Client
from tests.matrix.outcome import Outcome, Question
from tests.support import RawHTTP, wait_journalled

MODEL = "local/smollm2-135m"
LIMIT = 4
QUESTION = Question(text="What is the capital of France?", system="Answer in one short sentence.", limit=LIMIT)
_CREATED = re.compile(rb'"created":[0-9]+')


def ask(address: str, client: Client, stream: bool) -> Outcome:
    path, headers, body = client.request(MODEL, QUESTION, stream)
    with RawHTTP(address, timeout_s=120) as http:
        answer = http.request("POST", path, None, headers, **body)
    assert answer.status == 200, answer
    # llama.cpp dates each chunk anew, where OpenAI dates the answer; what is relayed stays as it came.
    dated = structs.replace(answer, body=_CREATED.sub(b'"created":1', answer.body))
    return client.stream(dated) if stream else client.whole(dated.json())


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_real_model_answers_in_every_dialect_streaming_and_not(home_with_model: Path) -> None:
    with Program("up", "--json", "--port", "0", cwd=home_with_model) as up:
        up.wait_ready("gateway", "engine", "clerk")
        calls = [(name, stream) for name in CLIENTS for stream in (False, True)]
        told = {(name, stream): ask(up.address, CLIENTS[name], stream) for name, stream in calls}
        fields = {"system": QUESTION.system, "messages": [{"role": "user", "content": QUESTION.text}]}
        with RawHTTP(up.address, timeout_s=120) as http:
            counted = http.request("POST", "/v1/messages/count_tokens", None, {}, model=MODEL, **fields).json()
        exchanges = wait_journalled(home_with_model / "home", len(calls))
        assert up.end() == 0, up.told
    for name, outcome in told.items():
        assert outcome.text.strip(), name
        assert outcome.error is None, name
        assert outcome.usage is not None, name
        assert 1 <= outcome.usage[2] <= LIMIT, name
        assert outcome.finish == ("length" if outcome.usage[2] == LIMIT else "stop"), name
    # The model has read the same prompt, whichever dialect it was written in.
    prompts = {outcome.usage[0] for outcome in told.values() if outcome.usage is not None}
    assert prompts == {counted["input_tokens"]}
    answered = [one for one in exchanges if one.endpoint != "messages/count_tokens"]
    spoken = {one.dialect: one.spoken for one in answered}
    assert spoken == {"openai": None, "openai-responses": "openai", "anthropic": "openai", "gemini": "openai"}
    assert {(one.deployment, one.cost_usd) for one in answered} == {(MODEL, "0")}
