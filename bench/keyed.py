"""What a key brings along costs: calls by it, against calls by a key that nothing concerns, and against nginx's."""

from collections.abc import Callable
from contextlib import ExitStack

from msgspec import Struct

from bench import cpu, subject
from bench.contest import Bench, run
from bench.figures import Ask, Row, ratio_row
from bench.load import Load
from bench.yardstick import completions, proxy

__all__ = ["Keyed", "by_key"]


class Keyed(Struct, frozen=True):
    """A figure, what its gateway is configured with beside a key, that key's name and options, and a call's body.

    `{upstream}` in `more` is the port of the provider. `against_nginx`: a second figure, of the same calls."""

    ask: Ask
    more: str
    name: str
    body: str
    options: tuple[str, ...] = ()
    against_nginx: Ask | None = None


def by_key(bench: Bench, keyed: Keyed, prove: Callable[[subject.Subject, str, bool], None]) -> list[Row]:
    """Measure CPU per call of one gateway, by the key and by one without anything, in the same runs.

    `prove` takes the gateway, a key, and whether it is the one that something concerns; it raises BenchError where the
    gateway does not answer so."""
    spent: dict[str, list[float]] = {keyed.name: [], "none": []}
    with ExitStack() as stack:
        child, upstream = completions(bench.fresh())
        stack.enter_context(child)
        ours = subject.start(bench.fresh() / "gateway", upstream, more=keyed.more.format(upstream=upstream))
        stack.enter_context(ours.child)
        keys = {keyed.name: subject.new_key(ours.home, keyed.name, *keyed.options), "none": ours.key}
        places = {name: (ours.child, Load(ours.port, key, keyed.body)) for name, key in keys.items()}
        if keyed.against_nginx is not None:
            nginx, port = proxy(bench.fresh(), upstream, buffering=True)
            stack.enter_context(nginx)
            places["nginx"] = (nginx, Load(port, ours.key, keyed.body))
            spent["nginx"] = []
        for name, key in keys.items():
            prove(ours, key, name == keyed.name)
        for _, load in places.values():
            run(bench, load, warm=True)
        for number in range(bench.rounds):
            for name in bench.order(number, list(places)):
                child, load = places[name]
                before = cpu.cpu_s(child.session)
                done = run(bench, load)
                spent[name].append((cpu.cpu_s(child.session) - before) / done.count * 1e6)
                child.must_live()
    rows = [ratio_row(keyed.ask, spent[keyed.name], spent["none"])]
    if keyed.against_nginx is not None:
        rows.append(ratio_row(keyed.against_nginx, spent[keyed.name], spent["nginx"]))
    return rows
