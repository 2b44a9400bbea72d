"""Benchmarks vision-language labelers and the CNN ensembles trained on their pseudo-labels."""

__version__ = "0.1.0"
