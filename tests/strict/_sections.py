"""
Importing this enters the rules of all sections; within a section, in the order they are asked.
"""

from . import (  # noqa: F401
    _batch_checks,
    _batch_definition_checks,
    _batch_definitions,
    _batch_ends,
    _batch_environments,
    _batch_jobs,
    _batch_queues,
    _batch_waits,
    _ec2_fresh,
    _ec2_interfaces,
    _ec2_nat,
    _ec2_nat_listing,
    _ec2_routes,
    _ec2_vpc,
    _executions,
    _general,
    _iam,
    _scheduler,
    _states,
    _stores,
)
