"""What `steelyard check` says of the server that gateways share: whether this machine may ask it, and is answered."""

import asyncio
import os
from collections.abc import Iterator

from steelyard.cli.meeting import meeting_of
from steelyard.cli.probe import Finding
from steelyard.config.settings import Config
from steelyard.core.errors import ConfigError
from steelyard.shared import Store, StoreLost

__all__ = ["shared_findings"]


def shared_findings(config: Config, *, offline: bool) -> Iterator[Finding]:
    """Say what is wrong with `[shared]` that the file alone does not tell, and, unless `offline`, ask the server."""
    try:
        meeting = meeting_of(config)
    except ConfigError as error:
        yield Finding("wrong", "shared", str(error))
        return
    file = config.shared.ca_file
    if meeting is not None and file is not None and not os.access(file, os.R_OK):
        yield Finding("wrong", "shared", f"[shared] ca_file: {file} cannot be read.")
        return
    if meeting is None or offline:
        return
    try:
        asyncio.run(_ask(meeting.store))
    except StoreLost as error:
        yield Finding("wrong", "shared", f"the server of [shared] url does not serve this machine: {error}")
    else:
        yield Finding("ok", "shared", "the server answers")


async def _ask(store: Store) -> None:
    try:
        await store.marks()
    finally:
        await store.close()
