"""Judges: models that are asked which answer is better, or how good one is; what they say is counted and corrected."""
