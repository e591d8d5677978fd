"""Certificates that are made when a test asks for them, with the openssl command."""

import subprocess
from pathlib import Path

__all__ = ["self_signed"]


def self_signed(directory: Path, names: str = "DNS:localhost,IP:127.0.0.1") -> tuple[Path, Path]:
    """Write `cert.pem` and `key.pem`, valid for two days for `names` (openssl-req(1)); return both paths.

    A client trusts it by taking `cert.pem` as its authority."""
    certificate, key = directory / "cert.pem", directory / "key.pem"
    if not certificate.exists():
        command = (
            "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=localhost"
        )
        subject = ["-subj", "/CN=localhost", "-addext", f"subjectAltName={names}"]
        files = ["-keyout", str(key), "-out", str(certificate)]
        subprocess.run([*command.split(), *subject, *files], check=True, capture_output=True)
    return certificate, key
