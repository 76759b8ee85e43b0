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

What an answer may change is decided step by step:

1. :mod:`.adapters`: what differs from filter to filter; the only place that knows filters by name.
2. :mod:`.changes`: which argument is meant and which kind of value it has; merges several answers, makes the plan and
   carries it out.
3. The kind checks and converts: :mod:`.kinds` (values, texts, templates, contexts, forms), :mod:`.objects` (cohorts,
   query sets, fragments, responses), :mod:`.accounts` (fields of users and profiles), :mod:`.courses` (courses, modes,
   certificates).
4. :mod:`.convert`: one JSON value in the type that is there; checks of texts and links.
5. :mod:`.restore`: what was masked or cut in the payload stays as it was.
6. :mod:`.after_login`: at a login, changes wait until it has succeeded.

:mod:`.trial_call` does the same with the sample payload and changes nothing; :mod:`.local_answers` checks local answers
before they are saved.
"""
