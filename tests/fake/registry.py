"""What the fake provider can be asked to do: names of models, each with one line of explanation."""

from collections.abc import Awaitable, Callable

from msgspec import Struct

from tests.fake.call import Call

__all__ = ["BEHAVIOURS", "Behaviour", "behaviour", "find", "perform"]

Act = Callable[..., Awaitable[None]]


class Behaviour(Struct, frozen=True):
    """`act(call, *arguments)`; the arguments are the strings after the name, separated by colons."""

    name: str
    act: Act
    promise: str


BEHAVIOURS: dict[str, Behaviour] = {}


def behaviour(name: str) -> Callable[[Act], Act]:
    """Register a function under the name that a test asks for as its model."""

    def register(act: Act) -> Act:
        assert name not in BEHAVIOURS, name
        assert act.__doc__, name
        BEHAVIOURS[name] = Behaviour(name, act, act.__doc__)
        return act

    return register


def find(model: str) -> tuple[Behaviour, list[str]] | None:
    """Return the behaviour that a model's name asks for, and its arguments."""
    name, *arguments = model.split(":")
    found = BEHAVIOURS.get(name)
    return (found, arguments) if found else None


async def perform(call: Call) -> bool:
    """Do what the call's model says; return False when there is no such model."""
    found = find(call.model)
    if found is None:
        return False
    chosen, arguments = found
    await chosen.act(call, *arguments)
    return True
