"""A home that has the real model."""

from tests.cli.conftest import home_with_model, smollm

__all__ = ["home_with_model", "smollm"]
