"""What an answer from the cache costs, against one that has to be asked for and is then kept."""

from bench import cpu, subject
from bench.contest import Bench, run
from bench.figures import Ask, BenchError, Row, ratio_row
from bench.load import BODY, NUMBER, Load
from bench.yardstick import completions

__all__ = ["HIT", "hits"]

HIT = Ask("cache", "CPU per call, from the cache (against one that is asked for, and kept)", "µs", "<=", 0.6)

_SAME = BODY.replace('"assistant"', '"answers"')
_NEW = _SAME.replace("Hello!", f"Hello, {NUMBER}!")
_MORE = """
[providers.own]
dialect = "openai"
base_url = "http://127.0.0.1:{upstream}/v1"

[routes.answers]
deployments = ["own/model"]

[cache]
routes = ["answers"]
"""


def hits(bench: Bench) -> list[Row]:
    """Measure CPU per call of one gateway: of calls that are all equal, and of calls that are all different, in the
    same runs."""
    spent: dict[str, list[float]] = {"hit": [], "miss": []}
    child, upstream = completions(bench.fresh())
    with child:
        ours = subject.start(bench.fresh() / "gateway", upstream, more=_MORE.format(upstream=upstream))
        with ours.child:
            _prove(ours)
            bodies = {"hit": _SAME, "miss": _NEW}
            for body in bodies.values():
                run(bench, Load(ours.port, ours.key, body), warm=True)
            for number in range(bench.rounds):
                for name in bench.order(number, list(bodies)):
                    before = cpu.cpu_s(ours.child.session)
                    done = run(bench, Load(ours.port, ours.key, bodies[name]))
                    spent[name].append((cpu.cpu_s(ours.child.session) - before) / done.count * 1e6)
                    ours.child.must_live()
    return [ratio_row(HIT, spent["hit"], spent["miss"])]


def _prove(ours: subject.Subject) -> None:
    """Prove that an equal call is answered from the cache, and a different one is not."""
    for body, verdict in ((_SAME, b"miss"), (_SAME, b"hit"), (_NEW, b"miss")):
        head = subject.exchange(ours.port, subject.post(ours.key, body)).partition(b"\r\n\r\n")[0].lower()
        if not head.startswith(b"http/1.1 200") or b"x-steelyard-cache: " + verdict not in head:
            raise BenchError(f"The gateway under measurement does not answer as its cache says.\n{head.decode()}")
