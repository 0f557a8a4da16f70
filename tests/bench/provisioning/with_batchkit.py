"""
The stack by batchkit: `ensure [vcpus]` or `destroy`.
"""

from __future__ import annotations

import sys

from batchkit import Fargate, StackSpec, destroy_stack, ensure_stack

NAME = "bench"


def main() -> None:
    """
    Makes the stack, with as many vCPUs as the second argument says, or takes it down.
    """
    if sys.argv[1] == "destroy":
        destroy_stack(NAME, delete_data=True)
        return
    vcpus = int(sys.argv[2]) if len(sys.argv) > 2 else 4
    ensure_stack(
        StackSpec(
            name=NAME,
            image="public.ecr.aws/docker/library/busybox:1",
            compute=Fargate(max_vcpus=vcpus),
            table="bench",
        )
    )


if __name__ == "__main__":
    main()
