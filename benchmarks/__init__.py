"""Measurements of the whole, each beside its limit on the same machine in the same run: `python -m benchmarks [names]`."""
