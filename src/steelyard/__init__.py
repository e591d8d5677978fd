"""Steelyard: one endpoint in front of every language model."""

__all__ = ["__version__"]

__version__ = "0.1.0"
