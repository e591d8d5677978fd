"""AWS Signature Version 4, checked.

Source: docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html.
"""

import hashlib
import hmac
import re
from urllib.parse import quote, unquote

from tests.fake.seen import ReceivedRequest

__all__ = ["signed"]

_AUTHORIZATION = re.compile(
    r"AWS4-HMAC-SHA256 Credential=([^/]+)/(\d{8})/([^/]+)/([^/]+)/aws4_request, ?SignedHeaders=([^,]+), ?"
    r"Signature=([0-9a-f]{64})"
)


def signed(request: ReceivedRequest, secret: str, service: str = "bedrock") -> bool:
    """Return whether a request is signed with this secret: path, query, host, signed headers and body."""
    match = _AUTHORIZATION.fullmatch(request.header("authorization") or "")
    if not match or match[4] != service:
        return False
    _, day, region, _, names, signature = match.groups()
    if "host" not in names.split(";") or not (request.header("x-amz-date") or "").startswith(day):
        return False
    # The path is encoded once more than it is in the request line, for every service but S3.
    path = quote(quote(unquote(request.path), safe="/-_.~"), safe="/-_.~")
    headers = "".join(f"{name}:{' '.join((request.header(name) or '').split())}\n" for name in names.split(";"))
    query = "&".join(sorted(request.query.split("&"))) if request.query else ""
    digest = hashlib.sha256(request.body).hexdigest()
    canonical = "\n".join([request.method, path, query, headers, names, digest])
    scope = f"{day}/{region}/{service}/aws4_request"
    hashed = hashlib.sha256(canonical.encode()).hexdigest()
    text = "\n".join(["AWS4-HMAC-SHA256", request.header("x-amz-date") or "", scope, hashed])
    key = f"AWS4{secret}".encode()
    for step in (day, region, service, "aws4_request"):
        key = hmac.new(key, step.encode(), hashlib.sha256).digest()
    return hmac.compare_digest(hmac.new(key, text.encode(), hashlib.sha256).hexdigest(), signature)
