"""Wire formats, one module a dialect. Pure: bytes in, values and bytes out."""
