"""instructor: typed answers by tools and by JSON Schema, over OpenAI's and Anthropic's SDKs."""
# mypy: disable-error-code="import-not-found"

from typing import Any

import anthropic
import instructor
import openai
from pydantic import BaseModel

__all__ = ["CHECKS"]

ASK: Any = [{"role": "user", "content": "Where shall we go?"}]


class Trip(BaseModel):
    """Where to go. The provider's model calls tools with a city, and answers schemas with text."""

    city: str


def _model(upstream: str, scene: str) -> str:
    return f"{upstream}/scene:{scene}:{upstream}-instructor"


def openai_tools(url: str, upstream: str) -> Any:
    with openai.OpenAI(base_url=f"{url}/v1", api_key="unused", max_retries=0, timeout=20) as client:
        asked = instructor.from_openai(client, mode=instructor.Mode.TOOLS)
        create = asked.chat.completions.create
        return create(model=_model(upstream, "tools"), messages=ASK, response_model=Trip, max_retries=0).city


def openai_schema(url: str, upstream: str) -> Any:
    with openai.OpenAI(base_url=f"{url}/v1", api_key="unused", max_retries=0, timeout=20) as client:
        asked = instructor.from_openai(client, mode=instructor.Mode.JSON_SCHEMA)
        create = asked.chat.completions.create
        return create(model=_model(upstream, "json-schema"), messages=ASK, response_model=Trip, max_retries=0).city


def openai_partial(url: str, upstream: str) -> Any:
    with openai.OpenAI(base_url=f"{url}/v1", api_key="unused", max_retries=0, timeout=20) as client:
        asked = instructor.from_openai(client, mode=instructor.Mode.TOOLS)
        create = asked.chat.completions.create_partial
        return [one.city for one in create(model=_model(upstream, "tools"), messages=ASK, response_model=Trip)][-1]


def anthropic_tools(url: str, upstream: str) -> Any:
    with anthropic.Anthropic(base_url=url, api_key="unused", max_retries=0, timeout=20) as client:
        asked = instructor.from_anthropic(client, mode=instructor.Mode.ANTHROPIC_TOOLS)
        create = asked.messages.create
        trip = create(model=_model(upstream, "tools"), messages=ASK, max_tokens=500, response_model=Trip, max_retries=0)
        return trip.city


CHECKS = (openai_tools, openai_schema, openai_partial, anthropic_tools)
