"""
What `batchkit init` writes: a commented `batchkit.toml`, and a folder with a job that works.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from batchkit._model.checks import refuse
from batchkit.errors import ConfigError
from batchkit.spec import STACK_NAME

CONFIG: Final = """\
# A stack of batchkit.  The keys are the fields of batchkit.StackSpec; what is commented out shows
# the default, or an example.  `batchkit plan` shows what would be made, `batchkit up` makes it.

name = "{name}"
image = "{folder}"          # a folder with a Dockerfile, or the URI of an image
vcpus = 0.25                # 0.25, 0.5, 1, 2, 4, 8, 16 or 32
memory = 512                # MiB; Fargate has certain sizes for each number of vCPUs
# gpus = 0                  # of NVIDIA; only instances of EC2 have some
# command = ["python", "main.py"]   # in place of the image's own
timeout = 3600              # seconds after which an attempt is ended
# attempts = 1              # how often a job is tried
# architecture = "X86_64"   # or "ARM64"
# ephemeral_storage = 50    # GiB of disk; 20 come with it
# What jobs run on, and in which network; "fargate", "fargate-spot", "ec2", "ec2-spot" and "nat"
# name the defaults, and "unmanaged" stands for instances that you start.
# compute = {{kind = "fargate", spot = false, max_vcpus = 4, service_role = "dedicated"}}
## compute = {{kind = "ec2", types = ["m6i.large", "c6i"], spot = true, max_vcpus = 64}}
## There may be min_vcpus = 0, keep_minutes = 20, disk = 100, key_pair = "mine",
## ami = "ami-0123456789abcdef0" and user_data = "#!/bin/sh\\n..." as well.
# network = {{kind = "nat", zones = 1, cidr = "10.1.0.0/16"}}   # zones: or ["us-east-1b"]
# boundary = "arn:aws:iam::123456789012:policy/boundary"   # for every role
# log_retention = 30        # days
# runnable_limit = 3600     # seconds after which Batch cancels a job that can't be run
# run_timeout = 7200        # seconds for a whole run, with its time in the queue
# priority = 1              # of the queue
# schedule = "cron(0 6 * * ? *)"
# time_zone = "Europe/Berlin"
# table = "{name}"          # a DynamoDB table to make; kept by `down` without --delete-data
# bucket = "{name}-files"   # an S3 bucket to make; likewise

# What the job may do.
# grants = [
#     {{s3_read = ["my-bucket", "some/key.csv"]}},
#     {{dynamodb_write = "{name}"}},
#     {{allow = {{actions = ["sqs:SendMessage"], resources = ["*"]}}}},
# ]

# What starts the container may do; it reads the secrets anyway.
# execution_grants = [
#     {{kms_decrypt = "alias/{name}"}},
# ]

[environment]               # variables of the job
GREETING = "Hello"

# [secrets]                 # variables with the ARNs of the secrets that give their values
# PASSWORD = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:{name}-AbCdEf:password::"

# [tags]
# team = "data"
"""

DOCKERFILE: Final = """\
FROM public.ecr.aws/docker/library/python:3.13-slim

# Without it the last lines of the log are lost when the container is killed.
ENV PYTHONUNBUFFERED=1

WORKDIR /app
COPY main.py .
RUN useradd --system --no-create-home --uid 10001 job
USER 10001

CMD ["python", "main.py"]
"""

MAIN: Final = '''\
"""
A job of AWS Batch.  What it prints is its log; an exit code other than 0 means that it failed.
"""

import os
import sys


def main() -> int:
    greeting = os.environ.get("GREETING")
    if not greeting:
        print("GREETING is not set", file=sys.stderr)
        return 2
    index = os.environ.get("AWS_BATCH_JOB_ARRAY_INDEX")
    whose = f" from child {index} of an array" if index else ""
    print(f"{greeting}{whose}!")
    return 0


if __name__ == "__main__":
    sys.exit(main())
'''


def write(folder: Path, name: str, job: str) -> list[Path]:
    """
    Writes the files of a stack called *name* into *folder*; returns them.

    Raises:
        SpecError: No stack may be called *name*.
        ConfigError: One of the files is there; none was written.
    """
    if not STACK_NAME.test(name):
        refuse("init", "name", name, STACK_NAME.expects)
    files = {
        folder / "batchkit.toml": CONFIG.format(name=name, folder=job),
        folder / job / "Dockerfile": DOCKERFILE,
        folder / job / "main.py": MAIN,
    }
    if there := [str(path) for path in files if path.exists()]:
        raise ConfigError(f"{', '.join(there)} exists already; nothing was written")
    for path, text in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return list(files)
