"""The edge of the program: errors become words on standard error and an exit code.

    0    yes, done
    1    no: a check found something, a verdict failed, a model does not run
    2    bad usage, bad input, a file or database that cannot be used
    130  interrupted by Ctrl-C
    141  whoever read our output went away (as if SIGPIPE had ended us)

With `--json`, an error is also one object on standard output:
`{"error": {"message", "kind", "exit_code", "findings"}}`.
"""

import os
import sys
from collections.abc import Sequence
from typing import Any

import click
import msgspec

from steelyard.cli.lazy import LazyGroup
from steelyard.cli.visible import visible
from steelyard.core.errors import ConfigError, NotFound, SteelyardError, StoreError

__all__ = ["INTERRUPTED", "PIPE_CLOSED", "EdgeGroup"]

INTERRUPTED = 130
PIPE_CLOSED = 141
USAGE = 2


class EdgeGroup(LazyGroup):
    """The root group: whatever happens below it ends in an exit code, and never in a traceback for an expected error.

    A command may return its exit code; `None` is 0."""

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        **extra: Any,
    ) -> Any:
        given = list(sys.argv[1:] if args is None else args)
        if not standalone_mode:
            return super().main(given, prog_name, complete_var, standalone_mode=False, **extra)
        try:
            code = self._run(given, prog_name, complete_var, extra)
            sys.stdout.flush()
        except BrokenPipeError:
            # What is left in the buffer would fail again when the interpreter ends (Python docs, "Note on SIGPIPE").
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            code = PIPE_CLOSED
        sys.exit(code)

    def _run(self, args: list[str], prog_name: str | None, complete_var: str | None, extra: dict[str, Any]) -> int:
        wants_json = "--json" in args
        try:
            outcome = super().main(args, prog_name, complete_var, standalone_mode=False, **extra)
        except SteelyardError as error:
            return _tell(error, wants_json)
        except OSError as error:
            if isinstance(error, BrokenPipeError):
                raise
            where = f"{error.filename}: " if error.filename is not None else ""
            reason = f"{where}{error.strerror or error}. Check the path, its owner and its mode, and the disk's space."
            return _tell(StoreError(reason), wants_json)
        except click.Abort:
            return INTERRUPTED
        except click.ClickException as error:
            error.show()
            if wants_json:
                _print_error(error.format_message(), "UsageError", error.exit_code)
            return error.exit_code
        return outcome if isinstance(outcome, int) else 0

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            # Click would take it for its own and answer 1, which means "no" here.
            raise click.exceptions.Exit(_silence_stdout()) from None


def _silence_stdout() -> int:
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return PIPE_CLOSED


def _tell(error: SteelyardError, wants_json: bool) -> int:
    print(visible(str(error), lines=True), file=sys.stderr)
    # To the gateway an unknown name is an answer; here it is a wrong word on the command line.
    code = USAGE if isinstance(error, NotFound) else error.exit_code
    if wants_json:
        findings = error.findings if isinstance(error, ConfigError) else ()
        _print_error(str(error), type(error).__name__, code, findings)
    return code


def _print_error(message: str, kind: str, exit_code: int, findings: Sequence[str] = ()) -> None:
    body = {"message": message, "kind": kind, "exit_code": exit_code, "findings": list(findings)}
    print(msgspec.json.encode({"error": body}).decode(), flush=True)
