"""
Threads that send, shared fairly between endpoints.

Two rules keep an endpoint that hangs from holding up the others, without any list of good and bad ones:

* Slow start, as in TCP: an endpoint begins with two requests at a time; each one that it answers makes it one more, a
  failure takes it back to one.
* Dynamic threshold (Choudhury and Hahne, 1998): an endpoint may begin another request only while it has fewer under way
  than there are threads free, so that even one that was fast until now and then hangs leaves half of the threads.

Threads do HTTP only. Whatever needs the database happens in the thread that owns the queues.
"""

import queue
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Hashable
from typing import Any

_FIRST_WINDOW = 2


class EndpointQueues:
    """
    One queue of jobs for each endpoint, and the threads that work them off.

    Args:
        work: called in a thread with a job; returns the result, and whether the endpoint is well. Must not raise.
        threads: at most this many; they are started as they are needed.
        per_endpoint: requests under way to one endpoint, at most.
    """

    def __init__(self, work: Callable[[Any], tuple[Any, bool]], threads: int, per_endpoint: int):
        self._work, self._max_threads, self._per_endpoint = work, threads, per_endpoint
        self._changed = threading.Condition()
        self._waiting: dict[Hashable, deque] = {}
        self._running: Counter = Counter()
        self._windows: dict[Hashable, int] = {}
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
                self._start_thread()

    def _start_thread(self) -> None:
        thread = threading.Thread(target=self._run, name="openedx_webhooks-sender", daemon=True)
        try:
            thread.start()
        except RuntimeError:
            # The machine has no more of them: those that there are do it.
            if not self._threads:
                raise
            self._max_threads = len(self._threads)
            return
        self._threads.append(thread)

    def load(self, endpoint: Hashable) -> int:
        """Jobs of an endpoint that are queued or under way."""
        with self._changed:
            return len(self._waiting.get(endpoint, ())) + self._running[endpoint]

    def window(self, endpoint: Hashable) -> int:
        """How many requests at a time an endpoint has earned."""
        return self._windows.get(endpoint, min(_FIRST_WINDOW, self._per_endpoint))

    def suspect(self, endpoint: Hashable) -> None:
        """Begin with one request at a time: the endpoint is known to have failed lately."""
        self._windows.setdefault(endpoint, 1)

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

    def waiting(self) -> list[Any]:
        """The jobs that no thread has begun."""
        with self._changed:
            return [job for waiting in self._waiting.values() for job in waiting]

    def clear(self, keeps: Callable[[Any], bool] = lambda _job: False) -> list[Any]:
        """Take back the jobs that no thread has begun, but for those that are to be kept."""
        with self._changed:
            jobs = [job for waiting in self._waiting.values() for job in waiting if not keeps(job)]
            kept = {name: deque(filter(keeps, waiting)) for name, waiting in self._waiting.items()}
            self._waiting = {name: waiting for name, waiting in kept.items() if waiting}
        self._outstanding -= len(jobs)
        return jobs

    def close(self) -> None:
        """End the threads, after what they have under way; what no thread has begun is dropped."""
        with self._changed:
            self._waiting.clear()
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
            result, is_well = self._work(job)
            self._results.put(result)
            with self._changed:
                self._windows[endpoint] = min(self.window(endpoint) + 1, self._per_endpoint) if is_well else 1
                self._running[endpoint] -= 1
                if not self._running[endpoint]:
                    del self._running[endpoint]
                # This thread takes the next job; a wider window has room for another.
                if self._waiting and self._idle:
                    self._wake_one()

    def _take(self):
        with self._changed:
            while True:
                endpoint = self._next_endpoint()
                if endpoint is not None:
                    waiting = self._waiting.pop(endpoint)
                    job = waiting.popleft()
                    if waiting:
                        self._waiting[endpoint] = waiting  # to the end: endpoints take turns
                    self._running[endpoint] += 1
                    return endpoint, job
                if self._closed:
                    return None
                self._idle += 1
                self._changed.wait()

    def _next_endpoint(self):
        free = self._max_threads - self._running.total()
        return next((name for name in self._waiting if self._running[name] < min(self.window(name), free)), None)
