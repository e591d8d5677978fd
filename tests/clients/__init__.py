"""Clients that people use, unmodified, against the gateway."""
