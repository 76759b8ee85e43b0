"""
Threads that send, shared fairly between endpoints.

An endpoint may start one more request as long as it has fewer under way than there are threads free (the dynamic
threshold of Choudhury and Hahne, 1998). Alone it gets half of the threads; however many endpoints hang, a share is left
for the next one, without any list of good and bad ones.

Threads do HTTP only. Whatever needs the database happens in the thread that owns the lanes.
"""
import queue
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Hashable
from typing import Any


class Lanes:
    """
    One queue of jobs for each endpoint, and the threads that work them off.

    Args:
        work: called in a thread with a job; must not raise.
        threads: at most this many; they are started as they are needed.
        per_endpoint: requests under way to one endpoint, at most.
    """

    def __init__(self, work: Callable[[Any], Any], threads: int, per_endpoint: int):
        self._work, self._max_threads, self._per_endpoint = work, threads, per_endpoint
        self._changed = threading.Condition()
        self._waiting: dict[Hashable, deque] = {}
        self._running: Counter = Counter()
        self._threads: list[threading.Thread] = []
        # Threads that wait for a job and that nobody has woken yet.
        self._idle = 0
        self._outstanding = 0
        self._closed = False
        self._results: queue.SimpleQueue = queue.SimpleQueue()

    def add(self, endpoint: Hashable, job: Any) -> None:
        """Queue a job."""
        self._outstanding += 1
        with self._changed:
            self._waiting.setdefault(endpoint, deque()).append(job)
            if self._idle:
                self._wake_one()
            elif len(self._threads) < self._max_threads:
                thread = threading.Thread(target=self._run, name="openedx_webhooks-sender", daemon=True)
                self._threads.append(thread)
                thread.start()

    def load(self, endpoint: Hashable) -> int:
        """Jobs of an endpoint that are queued or under way."""
        with self._changed:
            return len(self._waiting.get(endpoint, ())) + self._running[endpoint]

    def collect(self, seconds: float, linger: float = 0.0) -> list[Any]:
        """
        Wait for results.

        Args:
            seconds: for the first one, at most.
            linger: after the first one, for more.
        """
        results: list[Any] = []
        end = time.monotonic() + seconds
        while self._outstanding:
            try:
                results.append(self._results.get(timeout=max(0.0, end - time.monotonic())))
            except queue.Empty:
                break
            self._outstanding -= 1
            if len(results) == 1:
                end = time.monotonic() + linger
        return results

    def clear(self) -> list[Any]:
        """Take back every job that no thread has begun."""
        with self._changed:
            jobs = [job for lane in self._waiting.values() for job in lane]
            self._waiting.clear()
        self._outstanding -= len(jobs)
        return jobs

    def close(self) -> None:
        """End the threads, after what they have under way."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        for thread in self._threads:
            thread.join()

    @property
    def outstanding(self) -> int:
        """Jobs whose results were not collected yet."""
        return self._outstanding

    def _wake_one(self) -> None:
        self._idle -= 1
        self._changed.notify()

    def _run(self) -> None:
        while (taken := self._take()) is not None:
            endpoint, job = taken
            result = self._work(job)
            self._results.put(result)
            with self._changed:
                self._running[endpoint] -= 1
                if not self._running[endpoint]:
                    del self._running[endpoint]
                # This thread takes the next job; what ended may have made room for one more.
                if self._waiting and self._idle:
                    self._wake_one()

    def _take(self):
        with self._changed:
            while True:
                endpoint = self._next_endpoint()
                if endpoint is not None:
                    lane = self._waiting.pop(endpoint)
                    job = lane.popleft()
                    if lane:
                        self._waiting[endpoint] = lane  # to the end: endpoints take turns
                    self._running[endpoint] += 1
                    return endpoint, job
                if self._closed:
                    return None
                self._idle += 1
                self._changed.wait()

    def _next_endpoint(self):
        free = self._max_threads - self._running.total()
        most = min(self._per_endpoint, free)
        return next((endpoint for endpoint in self._waiting if self._running[endpoint] < most), None)
