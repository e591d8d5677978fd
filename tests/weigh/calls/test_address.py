"""Where the gateway is called."""

import pytest

from steelyard.config.settings import ServerSettings
from steelyard.core.errors import ConfigError
from steelyard.weigh.calls.address import address_of


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("127.0.0.1", "http://127.0.0.1:8080"),
        ("0.0.0.0", "http://127.0.0.1:8080"),
        ("::", "http://[::1]:8080"),
        ("::1", "http://[::1]:8080"),
        ("10.0.0.7", "http://10.0.0.7:8080"),
        ("localhost", "http://localhost:8080"),
    ],
)
def test_a_gateway_is_called_where_it_listens(host: str, address: str) -> None:
    assert address_of(ServerSettings(host=host)) == address


@pytest.mark.parametrize(
    ("given", "address"),
    [
        ("http://gateway:9000", "http://gateway:9000"),
        ("https://gateway.example/", "https://gateway.example"),
        ("https://gateway.example/llm/v1", "https://gateway.example/llm"),
    ],
)
def test_an_address_that_is_given_comes_first(given: str, address: str) -> None:
    assert address_of(ServerSettings(), given) == address


@pytest.mark.parametrize("given", ["gateway:9000", "", "ftp://gateway", "http://", "http://a:b:c", "http://u:p@host"])
def test_what_is_no_address_is_told(given: str) -> None:
    with pytest.raises(ConfigError, match="is no address of a gateway"):
        address_of(ServerSettings(), given)
