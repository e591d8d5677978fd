"""Behaviours that wait for each other, so that a test need not know how long anything takes."""

import asyncio

from tests.fake.call import Call
from tests.fake.registry import behaviour, perform

__all__: list[str] = []

_given: set[str] = set()


@behaviour("signal")
async def signal(call: Call, name: str, *then: str) -> None:
    """signal:NAME:BEHAVIOUR…: has those go on that wait for NAME, and does BEHAVIOUR."""
    _given.add(name)
    call.model = ":".join(then)
    await perform(call)


@behaviour("after")
async def after(call: Call, name: str, *then: str) -> None:
    """after:NAME:BEHAVIOUR…: does BEHAVIOUR as soon as a request for signal:NAME has come."""
    while name not in _given and not call.wire.gone:  # noqa: ASYNC110  (another loop may give it)
        await asyncio.sleep(0.005)
    call.model = ":".join(then)
    await perform(call)


@behaviour("until")
async def until(call: Call, name: str, *then: str) -> None:
    """until:NAME:BEHAVIOUR…: answers at once, and does BEHAVIOUR from the request for signal:NAME on."""
    if name not in _given:
        await call.answer()
        return
    call.model = ":".join(then)
    await perform(call)


@behaviour("too-long")
async def too_long(call: Call) -> None:
    """too-long: the error of a provider whose context is too short, in its words: OpenAI's code, Anthropic's text."""
    if call.tongue is not None and call.request.path.endswith("/messages"):
        await call.fail(400, "prompt is too long: 210000 tokens > 200000 maximum", "invalid_request_error")
        return
    message = "This model's maximum context length is 8192 tokens. However, your messages resulted in 9000 tokens."
    await call.fail(400, message, "invalid_request_error", "context_length_exceeded")


@behaviour("filter-error")
async def filter_error(call: Call) -> None:
    """filter-error: the error of a provider whose filter refuses the input (Azure OpenAI, "Content filtering")."""
    message = "The response was filtered due to the prompt triggering Azure OpenAI's content management policy."
    await call.fail(400, message, "invalid_request_error", "content_filter")
