"""The traps of docs/design/translation-traps.md, one test or more for each, named by its number."""
