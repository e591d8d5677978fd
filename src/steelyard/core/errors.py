"""Every error that Steelyard raises on purpose.

    SteelyardError                    the root; `exit_code` is what the command line returns
    ├── ConfigError            2      steelyard.toml, a flag or a variable is wrong
    ├── StoreError             2      a model, key, journal or ledger cannot be read or written
    ├── EngineError            1      a local model cannot be started or does not answer
    └── CallError                     a call that is answered with an error; knows its HTTP status and body
        ├── BadRequest         400    malformed HTTP or JSON, a wrong type
        ├── Unauthorized       401    missing, unknown, expired or revoked key
        ├── BudgetExceeded     402    a budget of ours
        ├── Forbidden          403    the key may not use this route
        │   └── Denied         403    no deployment is permitted for the caller's purpose
        ├── NotFound           404    unknown path, model or route
        ├── MethodNotAllowed   405
        ├── RequestTimeout     408    headers or body came too slowly
        ├── TooLarge           413    body over the limit
        ├── HeadersTooLarge    431
        ├── TooMany            429    a limit of ours
        ├── UpstreamError      502    a provider failed; says which and how
        ├── Unavailable        503    draining, disk full, every deployment resting
        └── UpstreamTimeout    504    a provider was too slow

Text: what happened, to what, what to do next.
"""

__all__ = [
    "BadRequest",
    "BudgetExceeded",
    "CallError",
    "ConfigError",
    "Denied",
    "EngineError",
    "Forbidden",
    "HeadersTooLarge",
    "MethodNotAllowed",
    "NotFound",
    "RequestTimeout",
    "SteelyardError",
    "StoreError",
    "TooLarge",
    "TooMany",
    "Unauthorized",
    "Unavailable",
    "UpstreamError",
    "UpstreamTimeout",
]


class SteelyardError(Exception):
    """The root of the tree. `str()` is the text for a person."""

    exit_code = 1


class ConfigError(SteelyardError):
    """The configuration is wrong. `findings` holds one line a mistake, each with line, key and nearest valid name."""

    exit_code = 2

    def __init__(self, *findings: str) -> None:
        super().__init__("\n".join(findings))
        self.findings = findings


class StoreError(SteelyardError):
    """A file or a database of ours cannot be read or written."""

    exit_code = 2


class EngineError(SteelyardError):
    """A local model cannot be started, or does not answer."""


class CallError(SteelyardError):
    """A call that is answered with an error.

    `status` is the HTTP status, `kind` and `code` go into the dialect's error body (OpenAI API reference, "Errors":
    `{"error": {"message", "type", "param", "code"}}`). `allow` lists the methods that are, where this one is not.
    `should_retry` is told to SDKs that would guess otherwise (`x-should-retry`: openai-python and anthropic-sdk-python,
    `_should_retry`); None: their guess is right.
    """

    status = 500
    kind = "server_error"
    code = "internal_error"

    def __init__(
        self,
        message: str,
        *,
        code: str | None = None,
        param: str | None = None,
        retry_after_s: float | None = None,
        allow: str | None = None,
    ) -> None:
        super().__init__(message)
        self.code = code or type(self).code
        self.param = param
        self.retry_after_s = retry_after_s
        self.allow = allow
        self.should_retry: bool | None = None


class BadRequest(CallError):
    status = 400
    kind = "invalid_request_error"
    code = "invalid_request"


class Unauthorized(CallError):
    status = 401
    kind = "invalid_request_error"
    code = "invalid_api_key"


class BudgetExceeded(CallError):
    status = 402
    kind = "budget_exceeded"
    code = "budget_exceeded"


class Forbidden(CallError):
    status = 403
    kind = "invalid_request_error"
    code = "route_not_allowed"


class Denied(Forbidden):
    """What goes on record: `decided` is the decision (`core.exchange.Decided`), `plan` the one that nobody is left of
    (`policy.plan.Plan`); None where none could be made."""

    code = "policy_denied"
    decided: object = None
    plan: object = None


class NotFound(CallError):
    status = 404
    kind = "invalid_request_error"
    code = "not_found"


class MethodNotAllowed(CallError):
    status = 405
    kind = "invalid_request_error"
    code = "method_not_allowed"


class RequestTimeout(CallError):
    status = 408
    kind = "invalid_request_error"
    code = "request_timeout"


class TooLarge(CallError):
    status = 413
    kind = "invalid_request_error"
    code = "body_too_large"


class HeadersTooLarge(CallError):
    status = 431
    kind = "invalid_request_error"
    code = "headers_too_large"


class TooMany(CallError):
    status = 429
    kind = "rate_limit_error"
    code = "rate_limit_exceeded"


class UpstreamError(CallError):
    status = 502
    kind = "upstream_error"
    code = "upstream_failed"


class Unavailable(CallError):
    status = 503
    kind = "server_error"
    code = "unavailable"


class UpstreamTimeout(CallError):
    status = 504
    kind = "upstream_error"
    code = "upstream_timeout"
