"""Google's dialect: Gemini API and Vertex AI, `generateContent` and what belongs to it."""

from steelyard.dialects.gemini.dialect import GEMINI, Gemini

__all__ = ["GEMINI", "Gemini"]
