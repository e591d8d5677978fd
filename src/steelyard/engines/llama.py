"""The process of one local model: llama.cpp's own HTTP server on a free port of 127.0.0.1.

Run as `python -m steelyard.engines.llama ORDER`, ORDER being an EngineOrder in JSON. It prints one line of JSON when it
serves, `{"address": "http://127.0.0.1:PORT"}`; everything else goes to standard error. It ends when its standard input
closes, so it cannot outlive the process that started it. SIGTERM stops it at once. Exit status 3: the model cannot be
loaded, and trying again will not help.
"""

import ctypes
import os
import select
import signal
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec

from steelyard.engines.gguf import read_gguf
from steelyard.engines.order import EngineOrder

__all__ = ["CANNOT_LOAD", "main"]

CANNOT_LOAD = 3

_LOG_S = 0.2
_PR_SET_PDEATHSIG = 1  # prctl(2)
_BATCH_CPU = 128
_BATCH_GPU = 512
_LOG_WARNINGS = 2  # llama.cpp common/log.h: 1 errors, 2 warnings, 3 a line or more for each call


def main(argv: list[str]) -> int:
    """Serve the model of the order in `argv[1]` until standard input closes."""
    _die_with_parent()
    order = msgspec.json.decode(argv[1], type=EngineOrder)
    # Native code may print to descriptor 1; the report goes out on a copy that nobody else has.
    report = os.dup(1)
    os.dup2(2, 1)
    try:
        # An optional extra ("local"), and slow to import.
        import xllamacpp  # noqa: PLC0415
    except ImportError:
        print("The library xllamacpp is missing. In the clone of Steelyard: pip install -e '.[local]'", file=sys.stderr)
        return CANNOT_LOAD
    print(f"engine {order.name}: {msgspec.json.encode(order).decode()}", file=sys.stderr, flush=True)
    try:
        server = xllamacpp.Server(_parameters(xllamacpp, order))
    except RuntimeError as error:  # the binding's only error
        # llama.cpp says the reason, in a thread of its own that ends with the process (common/log.cpp).
        time.sleep(_LOG_S)
        print(f"engine {order.name}: {error}", file=sys.stderr)
        return CANNOT_LOAD
    # llama.cpp has installed handlers that stop its loop but not this process. Nothing is worth saving here.
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the keeper, which then stops us
    try:
        os.write(report, msgspec.json.encode({"address": server.listening_address}) + b"\n")
        os.close(report)
    except BrokenPipeError:
        os._exit(0)  # the keeper is gone; unwinding would run the server's destructor, which waits for ever
    while os.read(0, 4096):
        continue
    os._exit(0)  # as above


def _parameters(xllamacpp: Any, order: EngineOrder) -> Any:
    # xllamacpp has no types; names are those of llama.cpp's common_params (common/common.h).
    parameters = xllamacpp.CommonParams()
    parameters.model.path = order.path
    parameters.model_alias = {order.name}
    parameters.hostnames = ["127.0.0.1"]
    parameters.port = 0  # the system picks one
    parameters.n_ctx = order.context * order.slots  # the total; each slot gets its share (kv_unified is off)
    parameters.n_parallel = order.slots
    parameters.n_gpu_layers = order.gpu_layers
    # `poll` stays as it is: this llama.cpp waits in OpenMP's barriers, which do not know it (measured: no difference).
    # On two cores, OMP_WAIT_POLICY=passive and one thread are better beside busy processes, but cost 75 % and 31 to
    # 36 % without them; so that is the user's choice. docs/guides/local-models.md has the figures.
    if order.threads:
        parameters.cpuparams.n_threads = order.threads
        parameters.cpuparams_batch.n_threads = order.threads
    # llama.cpp heeds a client that hung up, and other streams go on, between two batches only. Measured on one core
    # with SmolLM2-135M: 128 and 2048 read a prompt equally fast (94 and 104 tokens/s, within the noise), but of a
    # prompt of 900 words that nobody waits for, 128 stops reading after 0.7 to 2 s and 2048 after 13.
    batch = _BATCH_GPU if order.gpu_layers else _BATCH_CPU
    if order.purpose != "chat":
        parameters.embedding = True
        batch = order.context  # an input is embedded in one batch (llama.cpp issue 12836)
    if order.purpose == "rerank":
        parameters.pooling_type = xllamacpp.llama_pooling_type.LLAMA_POOLING_TYPE_RANK
    elif order.purpose == "embeddings" and not _says_how_to_pool(Path(order.path)):
        # One vector for a text needs a way to pool; a model made for chat names none, and llama.cpp then refuses.
        parameters.pooling_type = xllamacpp.llama_pooling_type.LLAMA_POOLING_TYPE_MEAN
    parameters.n_batch = parameters.n_ubatch = batch
    parameters.cache_ram_mib = min(parameters.cache_ram_mib, _memory_mib() // 8)  # prompts kept: 8 GiB by default
    parameters.use_jinja = True
    # Only our gateway calls here: no pages, and no leave for a page in a browser to read answers.
    parameters.ui = False
    parameters.cors_origins = ""
    parameters.cors_credentials = False
    parameters.verbosity = _LOG_WARNINGS
    return parameters


def _says_how_to_pool(path: Path) -> bool:
    file = read_gguf(path)
    return f"{file.architecture}.pooling_type" in file.metadata


def _memory_mib() -> int:
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2**20


def _die_with_parent() -> None:
    # While a model loads, the binding holds the interpreter and nobody reads standard input. On Linux the kernel ends
    # us then; elsewhere we notice when the model is loaded.
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    # The parent may have died before that: then its end of our standard input is closed already.
    waiting = select.poll()
    waiting.register(0, 0)
    if waiting.poll(0):
        os._exit(0)


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):
        # Not sys.exit: destructors of native threads that still serve would run, and wait for their clients.
        status = main(sys.argv)
        sys.stderr.flush()
        os._exit(status)
