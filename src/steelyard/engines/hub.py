"""Fetch one file from the Hugging Face hub, or from a server that speaks its protocol, and resume where it stopped."""

import hashlib
import os
import re
from pathlib import Path
from typing import IO, Any

from steelyard.core.errors import StoreError
from steelyard.engines.checksums import expect, hash_file
from steelyard.engines.progress import Progress, Report
from steelyard.engines.sources import HubSource

__all__ = ["download_from_hub"]

_SHA256 = re.compile(r"[0-9a-f]{64}")
_GIT_BLOB = re.compile(r"[0-9a-f]{40}")


def download_from_hub(source: HubSource, parts: Path, report: Report) -> tuple[Path, str]:
    """Download `source` into `parts`, check it against the hub's own checksum, and return its path and sha256.

    What an earlier attempt left there is continued. `HF_ENDPOINT` names another server, `HF_TOKEN` a token, which the
    library reads itself. Raises StoreError."""
    try:
        # An optional extra ("local"), and slow to import.
        import huggingface_hub  # noqa: PLC0415
        from huggingface_hub.file_download import http_get  # noqa: PLC0415
        from huggingface_hub.utils._headers import build_hf_headers  # noqa: PLC0415
        from huggingface_hub.utils.tqdm import disable_progress_bars  # noqa: PLC0415
    except ImportError:
        raise StoreError(
            "Models on the hub need the library huggingface_hub. In the clone of Steelyard: pip install -e '.[local]'"
        ) from None
    disable_progress_bars("huggingface_hub.http_get")
    # huggingface_hub reads HF_ENDPOINT once, at import; asked for here, a change is honoured too.
    endpoint = os.environ.get("HF_ENDPOINT") or None
    try:
        url = huggingface_hub.hf_hub_url(source.repo, source.file, revision=source.revision, endpoint=endpoint)
        metadata = huggingface_hub.get_hf_file_metadata(url, endpoint=endpoint)
        etag, size = metadata.etag or "", metadata.size
        if metadata.commit_hash:  # the branch may move between two requests
            url = huggingface_hub.hf_hub_url(source.repo, source.file, revision=metadata.commit_hash, endpoint=endpoint)
        if not (_SHA256.fullmatch(etag) or _GIT_BLOB.fullmatch(etag)):
            raise StoreError(f"{source.origin} has no checksum on the hub ({etag!r}), so it cannot be trusted.")
        part = parts / f"{etag}.part"
        # hf_hub_download (2.x) begins anew after an interruption, as each of its calls has its own temporary file;
        # http_get below it continues where a file ends.
        with part.open("ab") as file:
            begun = part.stat().st_size
            if size is not None and begun > size:
                file.truncate(0)
                begun = 0
            http_get(
                url,
                _Counted(file, begun, size, report),  # type: ignore[arg-type]  # a file by what it does: `http_get` writes, and asks where it is
                resume_size=begun,
                headers=build_hf_headers(),
                expected_size=size,
            )
    except StoreError:
        raise
    except Exception as error:
        # The library raises the errors of whichever HTTP library it has (requests, httpx), which share no root.
        raise StoreError(_failure(source, error)) from error
    return part, _check(part, etag, source, report)


class _Counted:
    """A file that reports what is written to it."""

    def __init__(self, file: IO[bytes], done: int, total: int | None, report: Report) -> None:
        self._file = file
        self._done = done
        self._total = total
        self._report = report

    def write(self, block: bytes) -> int:
        self._done += len(block)
        self._report(Progress("downloading", self._done, self._total))
        return self._file.write(block)

    def truncate(self) -> int:
        self._done = self._file.tell()
        return self._file.truncate()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)


def _check(part: Path, etag: str, source: HubSource, report: Report) -> str:
    # A large file's etag is its sha256, a small one's its git blob id (huggingface_hub, file_download.py).
    sha256 = hash_file(part, report)
    try:
        if _SHA256.fullmatch(etag):
            expect(sha256, etag, source.origin)
        else:
            expect(_git_blob(part), etag, source.origin)
    except StoreError:
        part.unlink()
        raise
    return sha256


def _git_blob(part: Path) -> str:
    # Pro Git, "Git Objects": the sha1 of "blob", the size, a zero byte, and the content.
    body = part.read_bytes()
    return hashlib.sha1(b"blob %d\0" % len(body) + body, usedforsecurity=False).hexdigest()


def _failure(source: HubSource, error: Exception) -> str:
    told = next((line.strip() for line in str(error).splitlines() if line.strip()), "")
    kind = type(error).__name__
    steps = {
        "RepositoryNotFoundError": "Check the owner and the name; a private one needs HF_TOKEN.",
        "GatedRepoError": "Accept its terms on the hub and set HF_TOKEN.",
        "EntryNotFoundError": "Check the file's name on the hub.",
        "RemoteEntryNotFoundError": "Check the file's name on the hub.",
        "RevisionNotFoundError": "Check the revision after the @.",
    }
    step = steps.get(kind, "What has arrived is kept; check the network and HF_ENDPOINT, then pull again.")
    words = f"{kind}: {told.rstrip('.:')}" if told else kind
    return f"{source.origin} could not be downloaded: {words}. {step}"
