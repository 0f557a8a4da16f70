"""
A strict AWS for tests: moto under the rules of the real service, on simulated time.

.. code-block:: python

    with StrictAws("strict", seed=7) as aws:
        before = aws.snapshot()
        aws.crash_after(12)
        with pytest.raises(Crash):
            ensure_stack(spec, session=aws.session, clock=aws.clock)
        again = aws.another()
        ensure_stack(spec, session=again.session, clock=aws.clock)
        destroy_stack(spec, session=again.session, clock=aws.clock)
        assert aws.snapshot() == before

A session of the simulator answers each call itself: it asks the rules that concern the operation
(each may refuse, or answer), then what lies underneath (`base=`: moto, or anything that gives a
session), then the rules that change answers. What AWS knows and moto does not (ages, states on
their way, what is listed though it is gone) is kept in an overlay; a delete that takes time is
done underneath when its time has come. A resource that is not in the overlay is old and settled,
so `aws.raw` is the way to put things there that were there before.
"""

from .process import Crash, Process
from .recording import Record
from .rules import RULES
from .strict_aws import StrictAws

__all__ = ["Crash", "Process", "RULES", "Record", "StrictAws"]
