"""A change is seen at the next look, whatever it was; a touch is none."""

import os
from pathlib import Path

import pytest

from steelyard.config.watch import ConfigWatch


@pytest.fixture
def file(tmp_path: Path) -> Path:
    file = tmp_path / "steelyard.toml"
    file.write_text("a = 1\n")
    return file


def test_nothing_has_changed_until_something_does(file: Path) -> None:
    watch = ConfigWatch(file)
    assert [watch.changed() for _ in range(3)] == [False] * 3
    file.write_text("a = 2\n")
    assert [watch.changed() for _ in range(3)] == [True, False, False]


def test_a_second_change_within_the_clocks_step_is_not_lost(file: Path) -> None:
    """Inode, size and time of modification stay; the time of change stays too where the kernel counts in jiffies."""
    watch = ConfigWatch(file)
    for number in range(200):
        stamp = os.stat(file)
        with file.open("r+") as open_file:
            open_file.write(f"a = {number % 10}\n")
        os.utime(file, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
        assert watch.changed()


def test_a_replaced_a_deleted_and_a_restored_file_are_changes(file: Path, tmp_path: Path) -> None:
    watch = ConfigWatch(file)
    (tmp_path / "new").write_text("b = 1\n")
    os.replace(tmp_path / "new", file)
    assert watch.changed()
    file.unlink()
    assert watch.changed()
    assert not watch.changed()
    file.write_text("b = 1\n")
    assert watch.changed()


def test_a_link_that_points_elsewhere_is_a_change(file: Path, tmp_path: Path) -> None:
    """As Kubernetes updates a mounted ConfigMap."""
    (tmp_path / "other").write_text("a = 3\n")
    link = tmp_path / "link"
    link.symlink_to(file)
    watch = ConfigWatch(link)
    (tmp_path / "next").symlink_to(tmp_path / "other")
    os.replace(tmp_path / "next", link)
    assert watch.changed()


def test_a_file_that_was_only_touched_has_not_changed(file: Path) -> None:
    watch = ConfigWatch(file)
    os.utime(file)
    assert not watch.changed()
    file.write_text("a = 1\n")
    assert not watch.changed()


def test_a_file_that_comes_later_is_a_change(tmp_path: Path) -> None:
    watch = ConfigWatch(tmp_path / "later")
    assert not watch.changed()
    (tmp_path / "later").write_text("")
    assert watch.changed()
