"""Callers' keys: how they are made, kept, looked up and revoked."""
