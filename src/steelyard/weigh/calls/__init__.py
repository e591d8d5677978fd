"""Calls through the gateway: like any other caller's, so that policy, limits and the record hold for them too."""
