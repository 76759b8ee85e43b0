"""
The synchronous flow: filter → calls → answers → changes or a halt.

A run of a filter goes through these modules, in this order:

* :mod:`.pipeline`: our step in the filter's pipeline; nothing that happens here may hurt the learner's request.
* :mod:`.run`: one run: conditions, calls or local answers, verdicts, changes or a halt, records.
* :mod:`.calls`: the requests, all at the same time, by the deadline of :mod:`.budget`; :mod:`.response_cache` has the
  responses that still hold.
* :mod:`.answers`: what an answer says: ``data``, ``exception``, or why it can't be used.
* :mod:`.verdicts`: what it means by the webfilter's switches; :mod:`.halts` builds the exception, with a response of
  :mod:`.responses`.
* :mod:`.call_log`: the record; :mod:`.report` sums up what observing webfilters would have done.

What an answer may change is decided in :mod:`.changes`, step by step:

1. It merges several answers and finds the kind of each argument that is meant. Where a filter differs from what its
   types say, :mod:`.adapters` has it, the only place that knows filters by name.
2. The kind, of the folder ``kinds``, checks and converts the value; :mod:`.restore` leaves what was masked or cut in
   the payload as it was.
3. The plan that comes of it is carried out; at a login, :mod:`.after_login` waits until that has succeeded.

:mod:`.trial_call` does the same with the sample payload and changes nothing; :mod:`.local_answers` checks local answers
before they are saved.
"""
