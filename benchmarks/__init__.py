"""Measurements of the whole, each beside its limit, from the same run: `python -m benchmarks [names]`."""
