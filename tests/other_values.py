"""
For each value of a spec, another value of each of its fields than the default.
"""

from __future__ import annotations

from typing import Any

from batchkit import Ec2, Fargate, Nat, Network, StackSpec, Unmanaged, allow

ACCOUNT = "123456789012"
SECRET = f"arn:aws:secretsmanager:us-east-1:{ACCOUNT}:secret:s"
OTHERS: dict[type, dict[str, Any]] = {
    StackSpec: {
        "name": "films",
        "image": "alpine:4",
        "vcpus": 2,
        "memory": 4096,
        "gpus": 1,
        "command": ["date"],
        "environment": {"A": "b"},
        "secrets": {"A": SECRET},
        "timeout": 60,
        "attempts": 2,
        "architecture": "ARM64",
        "ephemeral_storage": 30,
        "grants": [allow("sqs:SendMessage")],
        "execution_grants": [allow("kms:Decrypt")],
        "compute": "fargate-spot",
        "network": Nat(zones=2),
        "boundary": f"arn:aws:iam::{ACCOUNT}:policy/limits",
        "log_retention": 7,
        "priority": 2,
        "runnable_limit": 600,
        "run_timeout": 60,
        "schedule": "rate(1 day)",
        "time_zone": "Europe/Berlin",
        "table": "films",
        "bucket": "films-1",
        "tags": {"team": "data"},
    },
    Fargate: {"spot": True, "max_vcpus": 8, "service_role": "linked"},
    Ec2: {
        "types": ["m6i"],
        "spot": True,
        "min_vcpus": 2,
        "max_vcpus": 8,
        "disk": 100,
        "keep_minutes": 20,
        "ami": "ami-12345678",
        "key_pair": "mine",
        "user_data": "#!/bin/sh",
    },
    Unmanaged: {},
    Nat: {"cidr": "10.2.0.0/16", "zones": 2},
    Network: {"name": "x", "stack": "x", "cidr": "10.2.0.0/16", "zones": 2, "tags": {"a": "b"}},
}
BESIDE: dict[str, dict[str, Any]] = {
    "time_zone": {"schedule": "rate(1 day)"},
    "vcpus": {"memory": 4096},
    "gpus": {"compute": "ec2"},
}
"""What a field needs beside it to have an effect."""
