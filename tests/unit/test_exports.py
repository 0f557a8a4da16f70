"""
The public names, and what importing them does.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import batchkit
from batchkit import errors

# The stub has no `__all__`: with one, `import *` would have no types.
PUBLIC: list[str] = vars(batchkit)["__all__"]
DESIGN = """
StackSpec ensure_stack plan_stack destroy_stack describe_stack list_stacks stack_policy Stack Plan
Teardown ensure_role ensure_network ensure_security_group ensure_compute_environment
ensure_job_queue ensure_job_definition ensure_state_machine ensure_repository ensure_image
ensure_log_group ensure_schedule ensure_table ensure_bucket Role Vpc Subnet SecurityGroup
InternetGateway ElasticIp NatGateway RouteTable Route ComputeEnvironment JobQueue JobDefinition
StateMachine Repository Image LogGroup Schedule ScheduleGroup Table Bucket Network s3_read s3_write
dynamodb_read dynamodb_write secret_read kms_decrypt allow Run JobFailed local_aws BatchkitError
""".split()
PROBE = """
import sys
made = []
import botocore.session
real = botocore.session.Session.create_client
botocore.session.Session.create_client = lambda *a, **k: made.append(a) or real(*a, **k)
import batchkit
print(made, [name for name in ("docker", "moto", "rich", "click") if name in sys.modules])
"""


def test_all_is_sorted_and_there() -> None:
    """
    Each name once, in order, and an attribute of the package.
    """
    assert PUBLIC == sorted(set(PUBLIC))
    assert [name for name in PUBLIC if not hasattr(batchkit, name)] == []


@pytest.mark.parametrize("name", DESIGN)
def test_the_designs_names_are_public(name: str) -> None:
    """
    What a user is promised.
    """
    assert name in PUBLIC


def test_every_error_is_public_and_in_the_tree() -> None:
    """
    Whatever is raised on purpose can be caught by its name, and is drawn at the top.
    """
    kinds = {
        name: one
        for name, one in vars(errors).items()
        if isinstance(one, type) and issubclass(one, Exception)
    }
    assert set(kinds) <= set(PUBLIC)
    assert all(issubclass(one, errors.BatchkitError) for one in kinds.values())
    assert [name for name in kinds if name not in str(errors.__doc__)] == []


def test_public_things_say_what_they_do() -> None:
    """
    Each has a docstring of its own.
    """
    things = {name: getattr(batchkit, name) for name in PUBLIC if name[0] != "_"}
    assert [name for name, one in things.items() if not (one.__doc__ or "").strip()] == []
    assert batchkit.ensure_job_queue.__name__ == "ensure_job_queue"


def test_importing_makes_no_client_and_loads_nothing_large() -> None:
    """
    Neither docker nor moto is imported, and no client is made.
    """
    root = Path(batchkit.__file__).parents[1]
    probe = subprocess.run(
        [sys.executable, "-c", PROBE], capture_output=True, text=True, cwd=root, check=False
    )
    assert (probe.stdout.strip(), probe.stderr) == ("[] []", "")
