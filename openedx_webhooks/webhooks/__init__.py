"""
The asynchronous flow: event → delivery → attempt.

In the request: :mod:`.receivers` hears every event, :mod:`.capture` writes it and what is owed for it (and refuses it
if it comes a second time), :mod:`.wakeups` tells a worker. In the worker, as many as :mod:`.semaphore` allows:
:mod:`.deliver` claims what is due, :mod:`.preparation` tries conditions and shapes of what is new and has it numbered,
:mod:`.endpoint_queues` shares the threads, :mod:`.sending` makes one attempt, :mod:`.results` writes what it came to,
:mod:`.schedule` says when it is tried again, :mod:`.health` warns of a webhook and disables it. For operators:
:mod:`.replay`, :mod:`.trial_delivery`.
"""
