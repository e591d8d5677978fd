"""Draw from strata: each gets its share, and the seed alone says who is drawn first."""

from collections.abc import Mapping
from hashlib import blake2b

__all__ = ["allotted", "rank_of"]


def rank_of(seed: int, name: str) -> int:
    """Return the place, out of 2^64, of a name in the order that a seed makes: the lowest are drawn first.

    It depends on nothing but both, so whoever asks in another order, or a database that answers in one, draws the
    same."""
    return int.from_bytes(blake2b(name.encode(), digest_size=8, salt=seed.to_bytes(16, "big")).digest(), "big")


def allotted(sizes: Mapping[str, int], n: int) -> dict[str, int]:
    """Return how many of `n` fall to each stratum, in proportion to its size; never more than it holds.

    Proportional allocation (Cochran 1977, "Sampling Techniques", chapter 5), whole by the largest remainder, and among
    equal remainders by name."""
    total = sum(sizes.values())
    n = min(n, total)
    if not n:
        return dict.fromkeys(sizes, 0)
    shares = {name: divmod(n * size, total) for name, size in sizes.items()}
    found = {name: whole for name, (whole, _) in shares.items()}
    left = n - sum(found.values())
    for name in sorted(shares, key=lambda name: (-shares[name][1], name))[:left]:
        found[name] += 1
    return found
