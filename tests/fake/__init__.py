"""A provider, and a proxy, that are real servers on loopback."""

from tests.fake.certificate import expired, self_signed
from tests.fake.provider import FakeProvider
from tests.fake.proxy import FakeProxy
from tests.fake.registry import BEHAVIOURS
from tests.fake.scenes import SCENES
from tests.fake.seen import ReceivedRequest, SeenConnection
from tests.fake.shapes import TEXT

__all__ = [
    "BEHAVIOURS",
    "SCENES",
    "TEXT",
    "FakeProvider",
    "FakeProxy",
    "ReceivedRequest",
    "SeenConnection",
    "expired",
    "self_signed",
]
