"""The clients of the matrix, without a gateway: each is answered by the provider of its own dialect as the scenarios
expect it, so that whatever differs in the matrix was done in between."""

import pytest

from tests.conftest import clean_provider
from tests.fake import FakeProvider
from tests.matrix.clients import CLIENTS
from tests.matrix.scenarios import SCENARIOS, Talk
from tests.support import RawHTTP

provider = pytest.fixture(scope="module")(clean_provider)


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize("scenario", [name for name in SCENARIOS if name != "cut-stream"])
@pytest.mark.parametrize("client", CLIENTS)
def test_each_client_is_answered_by_its_own_provider(
    provider: FakeProvider, client: str, scenario: str, stream: bool
) -> None:
    def connect() -> RawHTTP:
        return RawHTTP(provider.url)

    SCENARIOS[scenario](Talk(connect, "", client, client, stream))
