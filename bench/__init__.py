"""The speed of the gateway, measured against nginx and against direct calls on the same machine in the same minutes."""
