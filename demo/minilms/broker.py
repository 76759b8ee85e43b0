"""Kombu's filesystem transport, with messages that appear all at once."""

# Kombu's own transport leaves the same methods out:
# pylint: disable=abstract-method
import os
import time
import uuid

from kombu.transport import filesystem
from kombu.utils.json import dumps

_LONGEST_WAIT_SECONDS = 0.5


class Channel(filesystem.Channel):
    """
    Writes a message under another name and renames it.

    Kombu's own channel creates the file first and fills it then: a worker that looks in between takes an empty message
    and dies of it.
    """

    def _put(self, queue, payload, **kwargs):
        name = f"{time.monotonic_ns() // 1_000_000}_{uuid.uuid4()}.{queue}.msg"
        final = os.path.join(self.data_folder_out, name)
        unfinished = f"{final}.unfinished"
        with open(unfinished, "w", encoding="utf-8") as file:
            file.write(dumps(payload))
        os.replace(unfinished, final)


class Transport(filesystem.Transport):
    """The transport of :class:`Channel`."""

    Channel = Channel

    def drain_events(self, connection, timeout=None):
        # A worker that waits here does not see that it shall stop; kombu's wait is 2 s, several times.
        return super().drain_events(connection, min(timeout or _LONGEST_WAIT_SECONDS, _LONGEST_WAIT_SECONDS))
