"""What `steelyard weigh judge` is asked to do, from its options."""

from collections.abc import Sequence
from itertools import combinations
from typing import Final

import click
from msgspec import Struct

from steelyard.cli.options import Given
from steelyard.cli.weigh_label import pair_of
from steelyard.config.settings import Config
from steelyard.core.errors import ConfigError
from steelyard.core.loose import JsonObject
from steelyard.weigh.judges.answers import Answers
from steelyard.weigh.judges.asks import Ask, Way, asks_for
from steelyard.weigh.judges.clusters import clusters_of
from steelyard.weigh.judges.judgement import Judgement
from steelyard.weigh.judges.report import Asked
from steelyard.weigh.judges.rubric import find_rubric
from steelyard.weigh.judges.slices import check_columns
from steelyard.weigh.judges.source import Source, find_source
from steelyard.weigh.judges.template import Kind, read_template, shipped_template

__all__ = ["Work", "work_of"]

_COLUMNS: Final = ("item", "model", "output", "prompt")


class Work(Struct, frozen=True, kw_only=True):
    """What is judged, how, and what is asked of it."""

    source: Source
    answers: Answers
    way: Way
    asked: Asked
    asks: tuple[Ask, ...]

    @property
    def wanted(self) -> set[str]:
        """The digests of all that is asked."""
        return {ask.asked for ask in self.asks}

    def made(self) -> list[Judgement]:
        """Return the judgements of this work that there are, oldest first."""
        wanted = self.wanted
        lines = self.source.folder.read(self.source.judgements, Judgement)
        return [one for one in lines if one.asked in wanted]


def work_of(name: str, config: Config, given: Given) -> Work:
    """Return what is judged and how. Raises ConfigError and UsageError for what cannot be, before anybody is asked."""
    if given["pairwise"] and given["rubric"] is not None:
        raise click.UsageError("Give --pairwise or --rubric, not both.")
    if given["votes_out"] is not None and given["rubric"] is not None:
        raise click.UsageError("--votes-out writes verdicts on pairs; scores by a rubric are none.")
    source = find_source(name, config.server.data_dir)
    answers = source.answers({column: given[column] for column in _COLUMNS})
    pair = pair_of(answers, source, given)
    for option, value in (("--margin", given["margin"]), ("--slice", given["slices"] or None)):
        if value is not None and pair is None:
            raise click.UsageError(f"{option} needs --baseline and --candidate; there are {', '.join(answers.models)}.")
    if len(answers.models) < 2:
        raise ConfigError(f"{answers.source}: only {answers.models[0]} answers there; two models are the least")
    way = _way(given)
    cluster, slices = _columns(source, answers, given)
    _check_margin(given["margin"], way)
    every = given["all_pairs"] or pair is None
    models = answers.models if every or pair is None else pair
    pairs = tuple(combinations(answers.models, 2)) if every or pair is None else (pair,)
    groups: Sequence[tuple[str, ...]] = pairs if way.rubric is None else tuple((model,) for model in models)
    asked = Asked(
        baseline=pair[0] if pair is not None else None,
        candidate=pair[1] if pair is not None else None,
        margin=given["margin"],
        alpha=given["alpha"],
        cluster=cluster,
        families=_families(given["families"], way.judges, answers),
        slices=slices,
    )
    asks = asks_for(answers.items, groups, way, given["n"])
    if not asks:
        raise ConfigError(f"{answers.source}: no item has answers of both models, so there is nothing to judge")
    return Work(source=source, answers=answers, way=way, asked=asked, asks=asks)


def _columns(source: Source, answers: Answers, given: Given) -> tuple[str | None, tuple[str, ...]]:
    """Return the columns to cluster and to slice by: as given, or as the weighing declared. Raises ConfigError."""
    declared = source.folder.plan().declared if source.recorded is None else None
    cluster = given["cluster"] or (declared.cluster if declared is not None else None)
    slices = given["slices"] or (declared.slices if declared is not None else ())
    clusters_of(answers.items, cluster)
    check_columns(answers, slices)
    return cluster, tuple(dict.fromkeys(slices))


def _check_margin(margin: float | None, way: Way) -> None:
    """Raise ConfigError for a margin that every candidate would pass."""
    most = 1 if way.rubric is None else way.rubric.highest - way.rubric.lowest
    if margin is not None and margin >= most:
        raise ConfigError(
            f"The margin is {margin:g}, and no two answers differ by more than {most}: every candidate would pass."
        )


def _way(given: Given) -> Way:
    rubric = find_rubric(given["rubric"]) if given["rubric"] is not None else None
    kind: Kind = "pairwise" if rubric is None else "score"
    template = read_template(given["template"], kind) if given["template"] is not None else shipped_template(kind)
    fields: JsonObject = {}
    if given["temperature"] != "none":
        try:
            fields["temperature"] = float(given["temperature"])
        except ValueError:
            raise click.UsageError("--temperature is a number, or none.") from None
    if given["max_tokens"] is not None:
        fields["max_tokens"] = given["max_tokens"]
    judges = tuple(dict.fromkeys(given["judges"]))
    return Way(judges=judges, template=template, rubric=rubric, fields=fields, seed=given["seed"])


def _families(given: Sequence[str], judges: Sequence[str], answers: Answers) -> dict[str, str]:
    found = {}
    for one in given:
        name, _, model = one.partition("=")
        if name not in judges or model not in answers.models:
            raise click.UsageError(
                f"--family {one}: write JUDGE=MODEL, with a --judge and one of {', '.join(answers.models)}."
            )
        found[name] = model
    return found
