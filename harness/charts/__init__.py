"""Charts of a run as PNG files; matplotlib is imported when the first one is drawn."""

from harness.charts.write import write_charts

__all__ = ["write_charts"]
