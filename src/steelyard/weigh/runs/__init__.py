"""Weighings on disk: what was planned, what was asked, what came back; one directory each, safe against a kill."""
