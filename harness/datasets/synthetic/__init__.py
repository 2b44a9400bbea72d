"""Rendered faces with known action units: annotated stills, and clips, so that everything runs without a licence."""
