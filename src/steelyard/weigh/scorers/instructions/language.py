"""Tell a text's language by langdetect (Nakatani 2010), which IFEval uses too."""

from functools import lru_cache
from importlib.metadata import version
from typing import Final

from langdetect import DetectorFactory, detect  # type: ignore[import-untyped]  # it has no types
from langdetect.lang_detect_exception import LangDetectException  # type: ignore[import-untyped]  # it has no types

__all__ = ["LIBRARY", "language_of"]

LIBRARY: Final = f"langdetect {version('langdetect')}"

# Without a seed its sampling gives one text now this language, now that one (langdetect's README, "NOTE").
DetectorFactory.seed = 0


@lru_cache(maxsize=4096)
def language_of(text: str) -> str | None:
    """Return the text's language, as langdetect names it ("en", "zh-cn"); None where it has no words to tell it by."""
    try:
        return str(detect(text))
    except LangDetectException:
        return None
