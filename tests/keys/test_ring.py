"""The look-up that every call makes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from steelyard.core.errors import Unauthorized
from steelyard.keys.key import Key, hash_of
from steelyard.keys.ring import KeyRing

NOW = 1_800_000_000.0


def key(secret: str, *, expires_at: float | None = None, revoked_at: float | None = None) -> Key:
    return Key(
        id=f"key_{secret}",
        name=secret,
        hash=hash_of(secret.encode()),
        routes=None,
        record=None,
        created_at=NOW - 100,
        expires_at=expires_at,
        revoked_at=revoked_at,
    )


RING = KeyRing(
    [
        key("sy-live"),
        key("sy-expiring", expires_at=NOW + 10),
        key("sy-revoked", revoked_at=NOW - 10),
        key("sy-both", expires_at=NOW - 10, revoked_at=NOW - 20),
    ]
)


def refusal(secret: bytes, now: float = NOW) -> Unauthorized:
    with pytest.raises(Unauthorized) as caught:
        RING.find(secret, now)
    return caught.value


def test_a_live_key_is_found() -> None:
    assert RING.find(b"sy-live", NOW).name == "sy-live"


def test_a_key_opens_until_the_moment_it_expires() -> None:
    assert RING.find(b"sy-expiring", NOW + 9.999).name == "sy-expiring"
    assert refusal(b"sy-expiring", NOW + 10).code == "key_expired"


def test_a_revoked_key_never_opens_again() -> None:
    assert refusal(b"sy-revoked").code == "key_revoked"
    assert refusal(b"sy-revoked", NOW - 1e9).code == "key_revoked"
    assert refusal(b"sy-both").code == "key_revoked"


def test_a_missing_and_an_unknown_key_are_told_apart() -> None:
    assert refusal(b"").code == "missing_api_key"
    assert refusal(b"sy-other").code == "invalid_api_key"
    assert refusal(b"x" * 30_000).code == "invalid_api_key"


@given(st.binary(min_size=1))
def test_every_unknown_key_gets_the_same_words(secret: bytes) -> None:
    if secret.startswith(b"sy-"):
        return
    assert str(refusal(secret)) == str(refusal(b"sy-liv"))


def test_a_refusal_names_no_key() -> None:
    for secret in (b"", b"sy-other", b"sy-revoked", b"sy-both"):
        error = refusal(secret)
        assert error.status == 401
        assert "sy-both" not in str(error)
        assert "sy-revoked" not in str(error)


def test_a_hash_does_not_open_what_its_secret_opens() -> None:
    assert refusal(hash_of(b"sy-live").encode()).code == "invalid_api_key"
    assert refusal(bytes.fromhex(hash_of(b"sy-live"))).code == "invalid_api_key"


def test_keys_are_required_as_soon_as_one_was_ever_made() -> None:
    assert not KeyRing([]).required
    assert RING.required
    assert KeyRing([key("sy-revoked", revoked_at=1.0)]).required
