"""Recorded results of real models that come along, and what is asked of them in a demonstration."""
