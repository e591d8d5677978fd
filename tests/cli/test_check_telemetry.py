"""What `steelyard check` says of the access log."""

from pathlib import Path

from steelyard.cli.check_telemetry import telemetry_findings
from steelyard.config.settings import Config, LogSettings


def told(access: str | None) -> list[tuple[str, str]]:
    return [(one.level, one.text) for one in telemetry_findings(Config(log=LogSettings(access)))]


def test_a_log_that_can_be_written_is_told(tmp_path: Path) -> None:
    assert told(f"{tmp_path}/a/b/access.log") == [("ok", f"{tmp_path}/a/b/access.log can be written")]
    assert not (tmp_path / "a").exists()


def test_a_log_that_cannot_be_written_is_told_with_the_reason(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    ((level, text),) = told(str(tmp_path))
    assert (level, text) == ("wrong", f"[log] access: {tmp_path} cannot be written: it is a directory.")
    ((level, text),) = told(f"{tmp_path}/file/access.log")
    assert (level, text.rpartition(": ")[2]) == ("wrong", f"{tmp_path}/file is no directory.")


def test_where_no_file_is_asked_for_nothing_is_told() -> None:
    assert told(None) == told("-") == []
