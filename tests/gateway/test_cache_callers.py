"""Who is given whose answer: keys, teams, end users and purposes; and what a change of the configuration ends."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from steelyard.cache.disk import path_in
from steelyard.keys.key import Bearer
from tests.gateway.cache_rig import Cached, asking, cached, configured
from tests.gateway.policy_rig import COMMAND, LLAMA, PURPOSES
from tests.gateway.upstream_rig import until
from tests.support import journalled

KEYS: dict[str, dict[str, Any]] = {
    "ann": {"bearer": Bearer(team="red")},
    "bob": {"bearer": Bearer(team="red")},
    "cid": {"bearer": Bearer(team="blue")},
    "dan": {},
    "eve": {},
    "silent": {"record": "none"},
    "narrow": {"routes": ("acme/ok",)},
}
SHARERS = ("ann", "bob", "cid", "dan")


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cached]:
    with cached(tmp_path_factory.mktemp("callers"), keys=KEYS) as found:
        yield found


@pytest.mark.parametrize(
    ("share", "shared"),
    [
        ("user", [("ann", "u1")]),
        ("key", [("ann", "u1"), ("ann", "u2"), ("ann", None)]),
        ("team", [("ann", "u1"), ("ann", "u2"), ("ann", None), ("bob", "u1"), ("bob", "u2"), ("bob", None)]),
        ("all", [(name, user) for name in SHARERS for user in ("u1", "u2", None)]),
    ],
)
def test_an_answer_is_shared_as_far_as_is_chosen(
    served: Cached, share: str, shared: list[tuple[str, str | None]]
) -> None:
    served.configure(configured(served.provider, cache={"share": share}))
    fields = asking(f"shared by {share}")

    def told(name: str, user: str | None, **more: Any) -> str | None:
        who = {} if user is None else {"user": user}
        return served.told(key=served.keys[name], **fields, **who, **more)

    assert told("ann", "u1") == "miss"
    hits = []
    for name in SHARERS:
        for user in ("u1", "u2", None):
            # What is asked here is not to be kept: it would answer what is asked next.
            said = told(name, user, said="only-if-cached") if (name, user) in shared else None
            hits += [(name, user)] if said == "hit" else []
            if said is None:
                refused = served.chat(
                    key=served.keys[name], **fields, **({} if user is None else {"user": user}), said="only-if-cached"
                )
                assert refused.status == 504, (share, name, user)
    assert hits == shared


def test_keys_without_a_team_are_no_team(served: Cached) -> None:
    served.configure(configured(served.provider, cache={"share": "team"}))
    fields = asking("of nobody's team")
    assert served.told(key=served.keys["dan"], **fields) == "miss"
    assert served.told(key=served.keys["dan"], **fields, user="u2") == "hit", "a key shares with itself"
    assert served.told(key=served.keys["eve"], **fields) == "miss"
    assert served.told(key=served.keys["cid"], **fields) == "miss", "a team of one"
    assert served.told(key=served.keys["ann"], **fields) == "miss"
    assert served.told(key=served.keys["bob"], **fields) == "hit"


def test_end_users_of_anthropics_clients_are_told_apart_too(served: Cached) -> None:
    said = {}
    for share in ("user", "key"):
        served.configure(configured(served.provider, cache={"share": share}))
        for user in ("u1", "u2"):
            answer = served.post(
                "/v1/messages",
                key=served.keys["dan"],
                model="assistant",
                max_tokens=20,
                metadata={"user_id": user},
                **asking(f"anthropic {share}"),
            )
            said[share, user] = answer.header("x-steelyard-cache")
    assert said == {("user", "u1"): "miss", ("user", "u2"): "miss", ("key", "u1"): "miss", ("key", "u2"): "hit"}


def test_a_key_of_which_nothing_is_recorded_is_neither_given_nor_gives(served: Cached) -> None:
    served.configure(configured(served.provider, cache={"share": "all"}))
    fields = asking("silence")
    assert served.told(key=served.keys["ann"], **fields) == "miss"
    assert served.told(key=served.keys["silent"], **fields) == "bypass"


def test_a_key_may_not_have_the_answer_of_a_route_that_it_may_not_use(served: Cached) -> None:
    served.configure(configured(served.provider, cache={"share": "all"}))
    fields = asking("forbidden")
    served.chat(key=served.keys["ann"], **fields)
    refused = served.chat(key=served.keys["narrow"], **fields)
    assert (refused.status, refused.error_code) == (403, "route_not_allowed")


def tables(card: str = LLAMA) -> dict[str, Any]:
    return {
        "routes": {
            "assistant": {"deployments": ["acme/one", "acme/two"]},
            "brief": {"deployments": ["acme/one"], "require": {"max_retention_days": 0}},
        },
        "deployments": {"acme/one": {"model": "ok", "card": card}, "acme/two": {"model": "words:2", "card": LLAMA}},
        "purposes": PURPOSES,
        "cache": {"routes": ["assistant", "brief"], "share": "all"},
    }


def test_a_purpose_is_never_given_what_its_plan_denies(tmp_path: Path) -> None:
    keys = {name: {"purpose": name} for name in ("shop", "lab")}
    with cached(tmp_path, keys=keys, **tables()) as served:
        gateway, shop, lab = served.gateway, served.keys["shop"], served.keys["lab"]
        fields = asking("purposes")
        first = served.chat(key=shop, **fields)
        again = served.chat(key=shop, **fields)
        assert (first.header("x-steelyard-cache"), again.header("x-steelyard-cache")) == ("miss", "hit")
        assert again.header("x-steelyard-duties") == first.header("x-steelyard-duties") is not None
        assert journalled(gateway.home)[-1].decided == journalled(gateway.home)[-2].decided is not None
        assert served.told(key=lab, **fields) == "miss", "another purpose"
        # Commercial use of this model is denied: what it has answered may not be given again.
        served.configure(configured(served.provider, **tables(COMMAND)))
        moved = served.chat(key=shop, **fields)
        assert (moved.header("x-steelyard-cache"), moved.header("x-steelyard-deployment")) == ("miss", "acme/two")
        # Who demands that nothing stays with a provider has nothing stay here.
        assert served.told("brief", key=lab, **asking("brief")) == "bypass"
        shown = gateway.steelyard("routes", "explain", "brief", "--purpose", "lab")
        assert shown["cache"]["why_not"] is not None
        assert gateway.steelyard("routes", "explain", "assistant", "--purpose", "lab")["cache"]["why_not"] is None


def test_a_deployment_that_becomes_another_gives_no_hit(tmp_path: Path) -> None:
    with cached(tmp_path, deployments={"acme/ok": {"model": "ok"}}) as served:
        fields = asking("becomes another")
        assert [served.told(**fields), served.told(**fields)] == ["miss", "hit"]
        served.configure(configured(served.provider, cache={}, deployments={"acme/ok": {"model": "words:2"}}))
        assert served.told(**fields) == "miss"
        served.configure(configured(served.provider, cache={}, routes={"assistant": {"deployments": ["acme/words:3"]}}))
        assert served.told(**fields) == "miss"
        served.configure(configured(served.provider))
        assert served.told(**fields) is None


def test_what_may_be_kept_no_more_is_erased(tmp_path: Path) -> None:
    routes = {"assistant": {"deployments": ["acme/ok"]}, "other": {"deployments": ["acme/ok"]}}
    cache = {"routes": ["assistant", "other"], "store": "sqlite"}
    with cached(tmp_path, cache=cache, routes=routes) as served:
        file = path_in(served.gateway.home)

        def on_disk() -> list[str]:
            connection = sqlite3.connect(f"file:{file}?mode=ro", uri=True)
            try:
                return sorted(route for (route,) in connection.execute("SELECT route FROM entry"))
            finally:
                connection.close()

        for route in routes:
            assert served.told(route, **asking("erased")) == "miss"
        until(lambda: on_disk() == ["assistant", "other"], "both on disk")
        silent = {**routes, "other": {"deployments": ["acme/ok"], "record": "none"}}
        served.configure(configured(served.provider, cache=cache, routes=silent))
        until(lambda: on_disk() == ["assistant"], "one to be erased")
        assert served.told("other", **asking("erased")) == "bypass"
        served.configure(configured(served.provider, cache=cache, routes=routes))
        assert served.told("other", **asking("erased")) == "miss", "it was in memory still"
        assert served.told(**asking("erased")) == "hit"
        served.configure(configured(served.provider, routes=routes))
        assert not file.exists()
