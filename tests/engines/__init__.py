"""The room `engines`: real files, real downloads from servers on loopback, real llama.cpp."""
