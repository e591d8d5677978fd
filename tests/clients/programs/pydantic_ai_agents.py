"""pydantic-ai: agents with tools and typed output, over OpenAI's two dialects, Anthropic's and Google's."""
# mypy: disable-error-code="import-not-found, untyped-decorator"

from typing import Any

from pydantic import BaseModel
from pydantic_ai import Agent, ModelHTTPError
from pydantic_ai.models import Model
from pydantic_ai.models.anthropic import AnthropicModel
from pydantic_ai.models.google import GoogleModel
from pydantic_ai.models.openai import OpenAIChatModel, OpenAIResponsesModel
from pydantic_ai.providers.anthropic import AnthropicProvider
from pydantic_ai.providers.google import GoogleProvider
from pydantic_ai.providers.openai import OpenAIProvider

__all__ = ["CHECKS"]

SPOKEN = ("chat", "responses", "anthropic", "google")


class Trip(BaseModel):
    """Where to go: the provider's model calls tools with a city."""

    city: str


def _model(url: str, upstream: str, spoken: str, scene: str) -> Model:
    name = f"{upstream}/scene:{scene}:{upstream}-pydantic-ai-{spoken}"
    if spoken == "anthropic":
        return AnthropicModel(name, provider=AnthropicProvider(base_url=url, api_key="unused"))
    if spoken == "google":
        return GoogleModel(name, provider=GoogleProvider(base_url=url, api_key="unused"))
    provider = OpenAIProvider(base_url=f"{url}/v1", api_key="unused")
    return (OpenAIChatModel if spoken == "chat" else OpenAIResponsesModel)(name, provider=provider)


async def agents(url: str, upstream: str) -> Any:
    return {spoken: await _asked(url, upstream, spoken) for spoken in SPOKEN}


async def _asked(url: str, upstream: str, spoken: str) -> Any:
    agent = Agent(_model(url, upstream, spoken, "parallel-tools"), instructions="Be brief.")

    @agent.tool_plain
    def look(city: str) -> str:
        """Look how the weather is."""
        return f"mild in {city}"

    result = await agent.run("How is the weather?")
    return [result.output, result.usage.requests, result.usage.output_tokens]


async def streams(url: str, upstream: str) -> Any:
    told = {}
    for spoken in SPOKEN:
        async with Agent(_model(url, upstream, spoken, "plain")).run_stream("Hi") as result:
            pieces = [piece async for piece in result.stream_text(delta=True, debounce_by=None)]
        told[spoken] = ["".join(pieces), len(pieces) > 1, result.usage.output_tokens]
    return told


async def structured(url: str, upstream: str) -> Any:
    told = {}
    for spoken in SPOKEN:
        told[spoken] = (await Agent(_model(url, upstream, spoken, "tools"), output_type=Trip).run("Where?")).output.city
    return told


async def errors(url: str, upstream: str) -> Any:
    told = {}
    for spoken in SPOKEN:
        try:
            await Agent(_model(url, "nowhere", spoken, "plain")).run("Hi")
        except ModelHTTPError as error:
            told[spoken] = error.status_code
    return told


CHECKS = (agents, streams, structured, errors)
