"""Where what is judged lies, and the files beside it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from msgspec import Struct

from steelyard.core.errors import ConfigError
from steelyard.weigh.judges.answers import Answers, answers_in_file, answers_in_folder
from steelyard.weigh.judges.judgement import BEGUN, DECLARED, JUDGEMENTS
from steelyard.weigh.runs.folder import Folder, Weighings

__all__ = ["LABELS", "Source", "find_source"]

LABELS: Final = "labels.jsonl"

_PACKED: Final = (".gz", ".xz")


class Source(Struct, frozen=True):
    """A weighing's folder (`recorded` None), or a file of recorded outputs and the folder that it lies in."""

    folder: Folder
    recorded: Path | None = None

    @property
    def judgements(self) -> str:
        """The name of the file that judgements are appended to."""
        return self._beside(JUDGEMENTS)

    @property
    def declared(self) -> str:
        """The name of the file that says what was declared before judges were asked."""
        return self._beside(DECLARED)

    @property
    def begun(self) -> str:
        """The name of the file that says which calls were going to be made."""
        return self._beside(BEGUN)

    @property
    def labels(self) -> str:
        """The name of the file that labels are appended to."""
        return self._beside(LABELS)

    def answers(self, columns: Mapping[str, str | None]) -> Answers:
        """Return what models answered; `columns` names those of a file. Raises ConfigError or StoreError."""
        if self.recorded is not None:
            return answers_in_file(self.recorded, columns)
        return answers_in_folder(self.folder)

    def _beside(self, name: str) -> str:
        if self.recorded is None:
            return name
        stem = self.recorded.name
        for suffix in reversed(self.recorded.suffixes):
            if suffix not in (*_PACKED, ".csv", ".tsv", ".jsonl", ".ndjson"):
                break
            stem = stem.removesuffix(suffix)
        return f"{stem}.{name}"


def find_source(name: str, data_dir: Path) -> Source:
    """Return what a name means: a file, a weighing's directory, or a weighing's id (its beginning, or `latest`).

    Raises ConfigError where it means nothing."""
    path = Path(name)
    if path.is_file():
        return Source(Folder(path.parent), path)
    if (path / "plan.json").is_file():
        return Source(Folder(path))
    try:
        return Source(Weighings(data_dir).find(name))
    except ConfigError as error:
        if path.suffix or path.exists():
            raise ConfigError(f"{name}: no such file of outputs, and no directory of a weighing") from error
        raise
