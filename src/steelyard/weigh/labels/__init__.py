"""What people say of answers whose models they do not know, kept as lines that are only ever appended."""
