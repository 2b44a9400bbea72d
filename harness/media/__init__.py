"""Frames in, videos out: video files, folders of frame images and single images, decoded as a stream.

PyAV and Pillow are imported by the functions that use them, so importing this package stays cheap.
"""

from harness.media.frames import Frame, FrameBatch, MediaInfo, iter_frames, probe, read_frames
from harness.media.images import read_image
from harness.media.paths import IMAGE_SUFFIXES, VIDEO_SUFFIXES
from harness.media.prefetch import Prefetch
from harness.media.writing import write_video

__all__ = [
    "IMAGE_SUFFIXES",
    "VIDEO_SUFFIXES",
    "Frame",
    "FrameBatch",
    "MediaInfo",
    "Prefetch",
    "iter_frames",
    "probe",
    "read_frames",
    "read_image",
    "write_video",
]
