"""Where an error came from, without its text: texts of database errors and others quote the data."""

import traceback


def where(error: BaseException) -> str:
    """The kind of an error and the lines that led to it, in one string for the log."""
    frames = traceback.extract_tb(error.__traceback__)
    path = " ← ".join(f"{frame.filename.rpartition('/')[2]}:{frame.lineno} {frame.name}" for frame in reversed(frames))
    return f"{type(error).__name__} at {path}"
