"""Metrics from confusion counts, bootstrap intervals over clips, and the stage that scores every system of a run."""
