"""Keep a key ring in step with its file, so that a revocation holds within a second."""

from steelyard.config.watch import FileWatch
from steelyard.core.errors import StoreError
from steelyard.keys.file import KeyFile
from steelyard.keys.ring import KeyRing

__all__ = ["KeyWatch"]


class KeyWatch:
    """The ring to use now, and what is wrong with the file, if something is.

    It fails closed: when the file is deleted or damaged while this runs, the last good ring stays, and `problem` says
    why. At the start there is no last ring, so a damaged file raises StoreError.
    """

    def __init__(self, file: KeyFile) -> None:
        self._file = file
        self._watch = FileWatch(file.path)
        self.ring = KeyRing(file.list())
        self.problem: str | None = None

    def poll(self) -> bool:
        """Return whether `ring` or `problem` is another one than before. Costs one `stat` when nothing has changed.

        Call it every half second or more often; whatever follows takes the new ring.
        """
        # While something is wrong it reads again each time: what was wrong (no file descriptor left, say) may pass
        # without the file changing.
        if not self._watch.changed() and self.problem is None:
            return False
        try:
            keys = self._file.list()
        except StoreError as error:
            return self._keep(str(error))
        if self.ring.required and not keys:
            return self._keep(f"{self._file.path} has no keys any more. The last ones stay in use: restore the file.")
        self.ring, self.problem = KeyRing(keys), None
        return True

    def _keep(self, problem: str) -> bool:
        before, self.problem = self.problem, problem
        return before != problem
