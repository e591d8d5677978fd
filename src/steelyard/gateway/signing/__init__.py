"""Credentials that are made for each call: AWS's signatures, Google's tokens."""

from steelyard.gateway.signing.signer import Signer

__all__ = ["Signer"]
