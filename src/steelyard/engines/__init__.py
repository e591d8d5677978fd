"""Local inference: the model store, one llama.cpp process a model, and the keeper that starts and restarts them."""
