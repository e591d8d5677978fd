"""Read how long something lasts, as people write it."""

import re
from typing import Final

from steelyard.core.errors import ConfigError

__all__ = ["parse_duration"]

_SECONDS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 7 * 86_400}
_LONGEST_S: Final = 100 * 365 * 86_400


def parse_duration(text: str) -> int:
    """Return the seconds that `90d`, `12h`, `30m`, `2w` or `45s` mean. Raise ConfigError for anything else."""
    found = re.fullmatch(r"([0-9]{1,12})([smhdw])", text.strip())
    if found is None:
        raise ConfigError(f'"{text[:40]}" is not a duration. Write a number and a unit: 30m, 12h, 90d or 2w.')
    seconds = int(found[1]) * _SECONDS[found[2]]
    if not 0 < seconds <= _LONGEST_S:
        raise ConfigError(f'"{text[:40]}" is out of range. A duration lies between one second and a hundred years.')
    return seconds
