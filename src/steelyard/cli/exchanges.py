"""Exchanges as rows for programs and as lines for people."""

from decimal import Decimal

from rich.text import Text

from steelyard.cli.shown import console, moment_text, pairs, table, usd_of
from steelyard.cli.visible import visible
from steelyard.core.exchange import Attempt, Exchange
from steelyard.core.usage import Usage
from steelyard.ledger.queries import Found

__all__ = ["as_row", "print_exchange", "print_line_of"]


def as_row(found: Found) -> dict[str, object]:
    """Return an exchange by the names of its fields, and its place in the ledger as `seq`."""
    it = found.exchange
    row: dict[str, object] = {"seq": found.seq, **{name: getattr(it, name) for name in it.__struct_fields__}}
    row["attempts"] = [
        {**{name: getattr(one, name) for name in one.__struct_fields__}, "usage": _usage_row(one.usage)}
        for one in it.attempts
    ]
    row["losses"] = [{name: getattr(one, name) for name in one.__struct_fields__} for one in it.losses]
    row["decided"] = _decided_row(it)
    row["usage"] = _usage_row(it.usage)
    for name in ("usage_raw", "request", "response"):
        body = getattr(it, name)
        row[name] = None if body is None else body.decode(errors="replace")
    return row


def _usage_row(usage: Usage | None) -> dict[str, object] | None:
    return None if usage is None else {name: getattr(usage, name) for name in usage.__struct_fields__}


def _decided_row(it: Exchange) -> dict[str, object] | None:
    decided = it.decided
    if decided is None:
        return None
    row: dict[str, object] = {name: getattr(decided, name) for name in decided.__struct_fields__}
    row["duties"] = [{"kind": kind, "text": text, "clause": clause} for kind, text, clause in decided.duties]
    return row


def print_line_of(found: Found) -> None:
    """Print one line: when, status, who answered, tokens, cost, time, id."""
    it = found.exchange
    style = "red" if it.status >= 400 or it.outcome != "ok" else "green"
    line = Text(f"{moment_text(it.received_at)}  ")
    line.append(f"{it.status} {it.outcome:<11}", style=style)
    line.append(f" {visible(it.deployment or it.route or it.endpoint):<32}")
    line.append(f" {_count(it.usage, 'input'):>7} in {_count(it.usage, 'output'):>6} out")
    line.append(f"  {_cost(it):>14}  {_ms(it.last_byte_ms):>9}  {it.id}")
    console().print(line, soft_wrap=True)


def print_exchange(it: Exchange) -> None:
    """Print all that is known of an exchange."""
    rows: list[tuple[str, str | Text]] = [
        ("id", it.id),
        ("received", f"{moment_text(it.received_at)} UTC"),
        ("endpoint", f"{it.endpoint}{' (stream)' if it.stream else ''}"),
        ("dialect", _dialects(it)),
        ("route", it.route or "unknown"),
        ("deployment", it.deployment or "none"),
        ("key", it.key or "none"),
        ("status", f"{it.status} {it.outcome}"),
        ("error", it.error or "none"),
        ("first byte", _ms(it.first_byte_ms)),
        ("last byte", _ms(it.last_byte_ms)),
        ("usage", _usage(it.usage)),
        ("cost", f"{_cost(it)}{f' ({it.price_source})' if it.price_source else ''}"),
        ("finish reason", it.finish_reason or "unknown"),
        ("sizes", f"{it.request_bytes:,} bytes in, {it.response_bytes:,} bytes out"),
        ("model reported", it.model_reported or "unknown"),
        ("end user", it.end_user or "none"),
        ("region", it.region or "unknown"),
        ("worker", it.worker),
        ("record", it.record),
    ]
    rows += _rare(it)
    pairs(rows)
    if it.decided is not None and it.decided.duties:
        console().print()
        table(("DUTY", "WHAT", "CLAUSE"), list(it.decided.duties))
    if it.attempts:
        _print_attempts(it.attempts)
    if it.losses:
        console().print()
        table(("LOST", "HOW", "WHY"), [(one.path, one.how, one.reason) for one in it.losses])
    for name, body in (("request", it.request), ("response", it.response)):
        if body is not None:
            console().print(Text(f"\n{name}", style="bold"))
            console().print(Text(visible(body.decode(errors="replace"), lines=True)), soft_wrap=True)


def _rare(it: Exchange) -> list[tuple[str, str | Text]]:
    """Return what not every exchange has."""
    rows: list[tuple[str, str | Text]] = []
    if it.cache is not None:
        rows.append(("cache", it.cache if it.copied_from is None else f"{it.cache}, of {it.copied_from}"))
    if it.cache == "hit":
        rows.append(("saved", "unknown" if it.saved_usd is None else f"${it.saved_usd}"))
    if it.kept_as:
        rows.append(("kept as", it.kept_as))
    if it.decided is not None:
        rows += [("decision", it.decided.decision), ("purpose", it.decided.purpose or "the route's demands")]
        rows.append(("decided by", it.decided.basis_sha256))
    if it.rights is not None:
        rows.append(("output rights", it.rights))
    if it.traceparent is not None:
        rows.append(("traceparent", it.traceparent))
    return rows


def _print_attempts(attempts: tuple[Attempt, ...]) -> None:
    console().print()
    table(
        ("ATTEMPT", "OUTCOME", "STATUS", "FROM", "TO", "DETAIL"),
        [
            (
                one.deployment,
                one.outcome,
                str(one.status or ""),
                _ms(one.started_ms),
                _ms(one.ended_ms),
                _detail(one),
            )
            for one in attempts
        ],
        right=("FROM", "TO"),
    )


def _detail(one: Attempt) -> str:
    """Say what is known of an attempt, and what it took where its answer was not the client's."""
    if one.usage is None:
        return one.detail or ""
    cost = "cost unknown" if one.cost_usd is None else f"${one.cost_usd}"
    took = f"took {_count(one.usage, 'input')} in, {_count(one.usage, 'output')} out, {cost}"
    return f"{one.detail} ({took})" if one.detail else took + (" (estimated)" if one.usage.estimated else "")


def _dialects(it: Exchange) -> str:
    return f"{it.dialect}, translated to {it.spoken}" if it.spoken else it.dialect


def _count(usage: Usage | None, name: str) -> str:
    count = None if usage is None else getattr(usage, name)
    return "?" if count is None else f"{count:,}"


def _usage(usage: Usage | None) -> str:
    if usage is None:
        return "unknown"
    parts = [
        f"{getattr(usage, name):,} {name}" for name in usage.__struct_fields__[:-1] if getattr(usage, name) is not None
    ]
    return f"{', '.join(parts) or 'unknown'} tokens{' (estimated)' if usage.estimated else ''}"


def _cost(it: Exchange) -> str:
    if it.cost_usd is None:
        # What the gateway rejected reached nobody who charges for it.
        return "$0" if it.outcome == "rejected" else "cost unknown"
    return usd_of(Decimal(it.cost_usd))


def _ms(ms: float | None) -> str:
    if ms is None:
        return "unknown"
    return f"{ms / 1000:.2f} s" if ms >= 1000 else f"{ms:.0f} ms"
