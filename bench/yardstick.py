"""nginx: the upstream that returns a fixed completion, and the proxy that everything is compared with."""

import json
import os
from pathlib import Path

from bench.children import Child, free_port

__all__ = ["COMPLETION", "completions", "proxy"]

_ANSWER = (
    "Hello! I can answer questions about software, mathematics, writing and much else. Tell me what you work on "
    "and what you have tried so far, and paste the text or the numbers that matter. If something is unclear I ask; "
    "if something cannot be known from what you gave me I will say so."
)
# About 1 kB, the shape of OpenAI's API reference, "The chat completion object".
COMPLETION = json.dumps(
    {
        "id": "chatcmpl-B9MBs8CjcvOU2jLn4n570S5qMJKcT",
        "object": "chat.completion",
        "created": 1741569952,
        "model": "gpt-4.1-2025-04-14",
        "choices": [
            {
                "index": 0,
                "message": {
                    "role": "assistant",
                    "content": _ANSWER,
                    "refusal": None,
                    "annotations": [],
                },
                "logprobs": None,
                "finish_reason": "stop",
            }
        ],
        "usage": {
            "prompt_tokens": 19,
            "completion_tokens": 72,
            "total_tokens": 91,
            "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
            "completion_tokens_details": {
                "reasoning_tokens": 0,
                "audio_tokens": 0,
                "accepted_prediction_tokens": 0,
                "rejected_prediction_tokens": 0,
            },
        },
        "service_tier": "default",
    },
    separators=(",", ":"),
)

_MAIN = """{user}worker_processes {processes}; daemon off; pid {home}/pid;
events {{ worker_connections 8192; }}
http {{
  access_log off; keepalive_requests 1000000000; default_type application/json;
  client_body_temp_path {home}/body; proxy_temp_path {home}/proxy; fastcgi_temp_path {home}/fastcgi;
  uwsgi_temp_path {home}/uwsgi; scgi_temp_path {home}/scgi;
{rest}
}}
"""

_COMPLETIONS = """  server {{ listen 127.0.0.1:{port} backlog=4096; location / {{ return 200 '{body}'; }} }}"""

# proxy_buffering off: "the response is passed to a client synchronously, immediately as it is received"
# (ngx_http_proxy_module). keepalive needs HTTP/1.1 and an empty Connection header (ngx_http_upstream_module).
_PROXY = """  upstream there {{ server 127.0.0.1:{upstream}; keepalive 256; keepalive_requests 1000000000; }}
  server {{
    listen 127.0.0.1:{port} backlog=4096;
    location / {{
      proxy_pass http://there; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_buffering {buffering};
    }}
  }}"""


def completions(home: Path, processes: int = 1) -> tuple[Child, int]:
    """Start an nginx that answers every request with the same completion; return it and its port."""
    port = free_port()
    rest = _COMPLETIONS.format(port=port, body=COMPLETION)
    return _start(home / "completions", rest, port, processes), port


def proxy(home: Path, upstream: int, *, buffering: bool) -> tuple[Child, int]:
    """Start an nginx that relays to a port with proxy_pass and kept connections; return it and its port."""
    port = free_port()
    rest = _PROXY.format(port=port, upstream=upstream, buffering="on" if buffering else "off")
    return _start(home / f"proxy-{port}", rest, port), port


def _start(home: Path, rest: str, port: int, processes: int = 1) -> Child:
    home.mkdir()
    # As root, workers would become `nobody`, who may not enter the temporary directory.
    user = "user root; " if os.geteuid() == 0 else ""
    (home / "nginx.conf").write_text(_MAIN.format(user=user, home=home, rest=rest, processes=processes))
    command = ["nginx", "-p", str(home), "-e", str(home / "error.log"), "-c", str(home / "nginx.conf")]
    child = Child(command, home / "output.log", name="nginx")
    child.wait_port(port)
    return child
