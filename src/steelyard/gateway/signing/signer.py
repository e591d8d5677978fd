"""Whoever makes a call's credentials, where no key stands in the configuration."""

from typing import Protocol

__all__ = ["Signer"]


class Signer(Protocol):
    """Signs the calls of one provider. All but `prepare` is quick, and none of it waits."""

    def ready(self) -> bool:
        """Say whether `fields` can be asked for now; else `prepare` comes first. What will soon expire is renewed in
        the background meanwhile."""

    async def prepare(self) -> None:
        """Get credentials, or newer ones; one attempt serves all who wait for it. Raises UpstreamError."""

    def fields(self, host: str, path: str, body: bytes) -> bytes:
        """Return the header lines, each with CR LF, that this POST must carry. `host` is the value of its Host header,
        `path` its target, as both are sent."""

    def secrets(self) -> tuple[bytes, ...]:
        """Return what must not be told to anybody: the present credentials, and those before them."""
