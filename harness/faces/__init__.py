"""From clips to one face a frame: detect, choose, fill gaps, align, write.

media ──▶ reading ──▶ detector ──▶ choice ──▶ geometry, cropping ──▶ artifact
(decode thread)       (batches)    (one face)  (thread pool)         (Parquet, streamed)
"""
