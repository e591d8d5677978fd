"""What enforcement costs: compiling many purposes into plans, and a call by a key that has one."""

import random
from collections.abc import Iterator
from datetime import UTC, date, datetime
from time import process_time, sleep

from msgspec import structs

from bench import subject
from bench.contest import Bench
from bench.figures import Ask, BenchError, Row, value_row
from bench.keyed import Keyed, by_key
from bench.load import BODY
from steelyard.catalog.cards import Card
from steelyard.catalog.catalogue import Catalogue, load_catalogue
from steelyard.catalog.claims import Claim
from steelyard.catalog.purpose import Openness, Purpose, Use
from steelyard.config.providers import resolve_providers
from steelyard.config.settings import Config, ProviderSettings, RouteSettings
from steelyard.policy.known import Known
from steelyard.policy.permits import Permits
from steelyard.policy.plans import Plans

__all__ = ["CALL", "COMPILE", "calls", "compiled"]

COMPILE = Ask("policy-plans", "CPU of compiling 500 deployments for 200 purposes into plans", "s", "<=", 1.0)
CALL = Ask("policy-call", "CPU per call, by a key with a purpose (against without)", "µs", "<=", 1.1)

_SEED = 7
_TODAY = date(2026, 11, 22)
_DEPLOYMENTS = 500
_PURPOSES = 200
_ROUTES = 50
_HOSTS = 20
_USES: tuple[Use, ...] = ("commercial", "research", "evaluation")
_OPENNESS: tuple[Openness | None, ...] = ("open-weight", None, None, None)
_MODALITIES = (["text"], ["text", "image"], ["text", "image", "audio"])
_BODY = BODY.replace('"assistant"', '"answers"')
_MORE = """
[providers.own]
dialect = "openai"
base_url = "http://127.0.0.1:{upstream}/v1"
self_hosted = true

[routes.answers]
deployments = ["own/llama"]

[deployments."own/llama"]
card = "meta-llama/Llama-3.1-8B-Instruct"
price = {{ input_usd_per_mtok = "2.00", output_usd_per_mtok = "8.00" }}

[purposes.shop]
use = "commercial"
monthly_active_users = 5000
annual_revenue_usd = 100000
territory = "DE"
end_user_territory = "DE"
"""


def compiled(bench: Bench) -> list[Row]:
    """Measure the compilation of 50 routes with 500 deployments for 200 purposes, no two of which are alike. Each model
    has a card of its own, under one of the licences that are shipped, and most are made from another."""
    catalogue = load_catalogue()
    draw = random.Random(_SEED)
    every = catalogue.with_cards(_cards(catalogue, draw))
    config = _config(catalogue)
    providers = resolve_providers(config, {})
    spent, left = [], 0
    for number in range(bench.rounds):
        bench.say(f"round {number + 1}")
        known = Known(every, providers, config.deployments, lambda _: None, _TODAY)
        permits = Permits(lambda known=known: known, config.purposes, None, _TODAY)  # type: ignore[misc]  # a default binds it in the loop
        began = process_time()
        plans = Plans(config, providers, local_models=tuple, now=datetime.now(UTC), permits=permits)
        spent.append(process_time() - began)
        left = sum(len(plans.outline(route, purpose).targets) for route in config.routes for purpose in config.purposes)
    share = left / (_DEPLOYMENTS * _PURPOSES)
    return [
        value_row(COMPILE, spent, f"{_DEPLOYMENTS * _PURPOSES:,} verdicts, of which {share:.0%} permit; seed {_SEED}")
    ]


def _cards(catalogue: Catalogue, draw: random.Random) -> Iterator[Card]:
    licences = sorted(one.id for one in catalogue.licences.values() if one.kind == "licence")
    for number in range(_DEPLOYMENTS):
        said: dict[str, object] = {
            "licence": licences[number % len(licences)],
            "modalities": draw.choice(_MODALITIES),
            "developer": f"maker {number}",
            "weights_published": True,
        }
        if number >= _DEPLOYMENTS // 5:
            said["base_model"] = [f"bench/m{draw.randrange(number)}"]
        claims = {name: Claim(value, "https://example.com", _TODAY) for name, value in said.items()}
        yield Card(model=f"bench/m{number}", claims=claims)


def _config(catalogue: Catalogue) -> Config:
    terms = sorted(one.id for one in catalogue.licences.values() if one.kind == "terms")
    hosts = {
        f"host{number}": ProviderSettings(
            dialect="openai",
            base_url="http://127.0.0.1:9/v1",
            terms=terms[number % len(terms)],
            retention_days=number,
            self_hosted=True if number % 2 else None,
        )
        for number in range(_HOSTS)
    }
    names = [f"host{number % _HOSTS}/bench/m{number}" for number in range(_DEPLOYMENTS)]
    each = _DEPLOYMENTS // _ROUTES
    routes = {
        f"r{number}": RouteSettings(deployments=tuple(names[number * each : (number + 1) * each]))
        for number in range(_ROUTES)
    }
    return Config(
        providers=hosts, routes=routes, purposes={f"p{number}": _purpose(number) for number in range(_PURPOSES)}
    )


def _purpose(number: int) -> Purpose:
    """Return one of as many purposes, each with other numbers."""
    purpose = Purpose(
        use=_USES[number % 3],
        monthly_active_users=float(10 ** (number % 10) + number),
        annual_revenue_usd=1000.0 * number,
        territory=(("US", "DE", "FR", "CN")[number % 4],),
        end_user_territory=(("US", "DE")[number % 2],),
        train_on_outputs=number % 5 == 0,
        distributes_derived=number % 10 == 0,
        domain=("medical",) if number % 7 == 0 else (),
    )
    retention = float(number) if number % 11 == 0 else None
    return structs.replace(purpose, min_openness=_OPENNESS[number % 4], max_retention_days=retention)


def calls(bench: Bench) -> list[Row]:
    """Measure CPU per call of one gateway, by a key whose purpose decides and by one without any, in the same runs."""
    return by_key(bench, Keyed(CALL, _MORE, "shop", _BODY, ("--purpose", "shop")), _prove)


def _prove(ours: subject.Subject, key: str, decides: bool) -> None:
    """Prove that calls with this key are answered, and that duties are told where a purpose decides."""
    head = b""
    for _ in range(100):
        head = subject.exchange(ours.port, subject.post(key, _BODY)).partition(b"\r\n\r\n")[0].lower()
        if not head.startswith(b"http/1.1 401"):
            break
        sleep(0.05)  # the gateway looks for new keys twice a second
    if not head.startswith(b"http/1.1 200") or (b"x-steelyard-duties:" in head) is not decides:
        raise BenchError(f"The gateway under measurement does not answer as its key's purpose says.\n{head.decode()}")
