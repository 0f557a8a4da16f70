"""
How long things take, in simulated seconds; the profile `slow` takes ten times as long.
"""

from __future__ import annotations

DELAYS: dict[str, float] = {
    "vpc": 2,
    "subnet": 2,
    "not_found": 3,
    "tag_index": 3,
    "table_tags": 3,
    "attribute": 3,
    "address_visible": 2,
    "nat_create": 100,
    "nat_fail": 95,
    "nat_delete": 60,
    "nat_listed": 3600,
    "address_auth_failure": 20,
    "gateway_mapped": 30,
    "iam": 8,
    "pass_role": 5,
    "ecs_linked_role": 10,
    "environment_create": 30,
    "environment_update": 15,
    "environment_delete": 30,
    "deletion_shown": 3,
    "queue_create": 5,
    "queue_update": 8,
    "queue_delete": 30,
    "relation": 15,
    "job_runnable": 2,
    "job_starting": 10,
    "job_running": 20,
    "job_done": 30,
    "task_interface": 45,
    "machine_update": 3,
    "machine_delete": 10,
    "log_delivery": 10,
    "group_delete": 5,
    "table_create": 8,
    "table_delete": 10,
    "bucket_name": 60,
}
