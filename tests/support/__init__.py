"""What tests of the whole program need: the gateway as a process, hostile and strict HTTP clients, configurations."""

from tests.support.configuration import config_text
from tests.support.gateway import GatewayUnderTest
from tests.support.journal import journalled, wait_journalled
from tests.support.ports import free_port
from tests.support.rawhttp import RawHTTP, Response, TornError

__all__ = [
    "GatewayUnderTest",
    "RawHTTP",
    "Response",
    "TornError",
    "config_text",
    "free_port",
    "journalled",
    "wait_journalled",
]
