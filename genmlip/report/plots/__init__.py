"""One figure per file; each takes tables or results and returns a matplotlib Figure."""
