"""
Importing this enters the rules of all services.

Functions that are bound to the same operation run in the order in which they are entered: that of
the modules here, and within a module from top to bottom.
"""

from . import dynamodb, ecr, every_service, logs, paging, s3, scheduler  # noqa: F401
from .ec2 import visibility  # noqa: F401 - what isn't listed yet is left out before all else
from .ec2 import (  # noqa: F401
    interfaces,
    nat_gateways,
    nat_listing,
    route_tables,
    security_groups,
    vpcs,
)
from .batch import (  # noqa: F401
    definition_checks,
    definitions,
    environment_checks,
    environments,
    instances,
    jobs,
    lifecycle,
    placement,
    queues,
)
from .iam import roles, trust  # noqa: F401
from .stepfunctions import executions, state_machines  # noqa: F401
