"""What a key brings along costs: calls by it, against calls by a key that nothing concerns."""

from collections.abc import Callable

from msgspec import Struct

from bench import cpu, subject
from bench.contest import Bench, run
from bench.figures import Ask, Row, ratio_row
from bench.load import Load
from bench.yardstick import completions

__all__ = ["Keyed", "by_key"]


class Keyed(Struct, frozen=True):
    """A figure, what its gateway is configured with beside a key, that key's name and options, and a call's body.

    `{upstream}` in `more` is the port of the provider."""

    ask: Ask
    more: str
    name: str
    body: str
    options: tuple[str, ...] = ()


def by_key(bench: Bench, keyed: Keyed, prove: Callable[[subject.Subject, str, bool], None]) -> list[Row]:
    """Measure CPU per call of one gateway, by the key and by one without anything, in the same runs.

    `prove` takes the gateway, a key, and whether it is the one that something concerns; it raises BenchError where the
    gateway does not answer so."""
    spent: dict[str, list[float]] = {keyed.name: [], "none": []}
    child, upstream = completions(bench.fresh())
    with child:
        ours = subject.start(bench.fresh() / "gateway", upstream, more=keyed.more.format(upstream=upstream))
        with ours.child:
            keys = {keyed.name: subject.new_key(ours.home, keyed.name, *keyed.options), "none": ours.key}
            for name, key in keys.items():
                prove(ours, key, name == keyed.name)
                run(bench, Load(ours.port, key, keyed.body), warm=True)
            for number in range(bench.rounds):
                for name in bench.order(number, list(keys)):
                    before = cpu.cpu_s(ours.child.session)
                    done = run(bench, Load(ours.port, keys[name], keyed.body))
                    spent[name].append((cpu.cpu_s(ours.child.session) - before) / done.count * 1e6)
                    ours.child.must_live()
    return [ratio_row(keyed.ask, spent[keyed.name], spent["none"])]
