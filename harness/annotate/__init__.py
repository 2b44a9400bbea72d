"""A video with what a run says of it: frames decoded again, box and label and probabilities drawn, H.264 written.

results ──▶ layout ──▶ drawing ──▶ video
(rows a frame)  (where things go)  (one frame)  (all frames, as a stream)
"""
