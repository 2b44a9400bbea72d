"""Decisions of a run as files that others want: the challenge's submission.

systems ──▶ fitting ──▶ submission ──▶ checking
(labels a frame) (the list's frames)  (the file)     (read back)
"""
