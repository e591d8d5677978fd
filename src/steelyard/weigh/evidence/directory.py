"""A document held against the directory of the live weighing that it was made from.

Apart from `inputs`, which whoever weighs recorded results needs: this needs judges, and all that they need.
"""

from steelyard.core.errors import ConfigError
from steelyard.weigh.evidence.canonical import Sealed
from steelyard.weigh.evidence.inputs import COMPARED, apart
from steelyard.weigh.evidence.live import live_evidence
from steelyard.weigh.evidence.verify import Checked
from steelyard.weigh.runs.folder import Folder

__all__ = ["against_folder"]


def against_folder(read: Sealed, folder: Folder) -> Checked:
    """Return how a document compares with the directory of a live weighing.

    Raises StoreError and ConfigError where that cannot be read."""
    if read.evidence.kind != "live":
        raise ConfigError(
            f"{folder.path} is a directory, and {read.evidence.id} is of recorded results: give the files"
        )
    return Checked(tuple(apart(read, live_evidence(folder))), ("the calls with the directory", *COMPARED), ())
