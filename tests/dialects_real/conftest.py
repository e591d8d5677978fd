"""A home that has the real model."""

from tests.cli.conftest import catalogue_kept, home_with_model, smollm

__all__ = ["catalogue_kept", "home_with_model", "smollm"]
