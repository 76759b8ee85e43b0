"""The Celery app of the workers of ``benchmarks scale``: that of the mini LMS, which also writes down its claims."""

import os
from pathlib import Path

from celery.signals import worker_process_init

from demo.minilms.celery import app  # noqa: F401  pylint: disable=unused-import


@worker_process_init.connect
def count_claims(**_kwargs) -> None:
    """A line for each claim, in a file of this process: how many were asked for, how many were got."""
    # pylint: disable=import-outside-toplevel
    from openedx_webhooks.models.delivery_verbs import DeliveryQuerySet
    from openedx_webhooks.webhooks import numbering

    # Open until the process is killed.
    file = open(  # noqa: SIM115  pylint: disable=consider-using-with
        Path(os.environ["SCALE_DIR"], f"claims.{os.getpid()}"), "a", encoding="ascii", buffering=1
    )
    claim, number = DeliveryQuerySet.claim, numbering.number

    def counting_claim(self, ids, *arguments):
        got = claim(self, ids, *arguments)
        file.write(f"claim {len(ids)} {len(got)}\n")
        return got

    def counting_number(deliveries, holder):
        refused = number(deliveries, holder)
        file.write(f"number {len(deliveries)} {len(deliveries) - len(refused)}\n")
        return refused

    DeliveryQuerySet.claim, numbering.number = counting_claim, counting_number
