"""Votes in, decisions out: late fusion of the voters of each face, then smoothing over the frames of each clip."""
