"""The access log of real processes."""

import json
from pathlib import Path

from tests.cli.program import Program, until
from tests.conftest import StartGateway
from tests.fake import FakeProvider
from tests.support import RawHTTP, config_text


def test_a_call_has_its_line_and_the_line_has_none_of_its_words(gateway: StartGateway, provider: FakeProvider) -> None:
    config = config_text({"acme": provider.base_url}, server={"record": "full"}) + '\n[log]\naccess = "access.log"\n'
    under_test = gateway(config)
    file = under_test.directory / "access.log"
    with under_test.beside("clerk"), under_test.connect() as http:
        answer = http.chat(
            "acme/ok", user="ann@example.com", messages=[{"role": "user", "content": "a private matter"}]
        )
        assert answer.status == 200
        until(lambda: file.exists() and file.read_text().endswith("\n"), "the line")
    text = file.read_text()
    row = json.loads(text)
    assert row["id"] == answer.header("x-request-id")
    assert (row["deployment"], row["status"], row["outcome"], row["stream"]) == ("acme/ok", 200, "ok", False)
    assert row["duration_ms"] > 0
    assert len(row["user"]) == 16
    assert "ann@example.com" not in text
    assert "private" not in text


def test_up_passes_the_lines_on_as_they_are(tmp_path: Path, provider: FakeProvider) -> None:
    config = config_text({"acme": provider.base_url}) + '\n[log]\naccess = "-"\n'
    (tmp_path / "steelyard.toml").write_text(config)
    with Program("up", "--port", "0", cwd=tmp_path) as program:
        until(lambda: any("serves" in line for line in program.notes), "the address")
        address = next(line for line in program.notes if "serves" in line).split()[-1]
        with RawHTTP(address) as http:
            assert http.chat("acme/ok").status == 200
        until(lambda: program.lines, "the line")
        assert json.loads(program.lines[0])["deployment"] == "acme/ok"
        assert program.end() == 0
        assert len(program.lines) == 1
