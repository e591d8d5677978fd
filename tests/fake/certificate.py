"""Certificates that are made when a test asks for them."""

import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

__all__ = ["expired", "self_signed"]


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


def expired(directory: Path) -> tuple[Path, Path]:
    """Write `expired.pem` and `expired-key.pem`, for localhost, valid until yesterday; return both paths."""
    certificate, key = directory / "expired.pem", directory / "expired-key.pem"
    secret = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(secret.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=10))
        .not_valid_after(now - timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(secret, hashes.SHA256())
    )
    certificate.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    encoding, form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    key.write_bytes(secret.private_bytes(encoding, form, serialization.NoEncryption()))
    return certificate, key
