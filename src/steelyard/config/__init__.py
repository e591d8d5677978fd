"""The configuration: `steelyard.toml`, the environment and flags, read once into one frozen object."""
