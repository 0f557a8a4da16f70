"""
Families of compute environments: what follows from the type of the compute resources.

That is the platform of the jobs, whether the capacity is Spot, which quota holds for it, and what
gives a job its public address.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from attrs import frozen


@frozen
class Family:
    """
    What follows from the type of a compute environment's compute resources.

    Args:
        word: That type, such as FARGATE_SPOT; UNMANAGED for an environment that has none.
        platform: The platform of its jobs, as `platformCapabilities` names it.
        spot: Whether AWS may take its capacity back.
        reclaim: The status reason of an attempt whose capacity was taken back, as a pattern.
        quota: The service and code of the quota for its vCPUs; None if there is none.
        public_by: What gives a job its public address: the settings of the "job", or the "subnet".
    """

    word: str
    platform: str
    spot: bool
    reclaim: str
    quota: tuple[str, str] | None
    public_by: str


# The quotas count the vCPUs that run at once, on demand and on Spot apart
# (https://docs.aws.amazon.com/general/latest/gr/ecs-service.html#limits_fargate).
FARGATE: Final = Family("FARGATE", "FARGATE", False, "", ("fargate", "L-3032A538"), "job")
FARGATE_SPOT: Final = Family(
    word="FARGATE_SPOT",
    platform="FARGATE",
    spot=True,
    reclaim="Your Spot Task was interrupted*",
    quota=("fargate", "L-36FBB829"),
    public_by="job",
)
# EC2 counts by classes of instances, which the family doesn't know
# (https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/ec2-on-demand-instances.html).
EC2: Final = Family("EC2", "EC2", False, "", None, "subnet")
# Batch names the instance that is gone: "Host EC2 (instance i-...) terminated."
# (https://docs.aws.amazon.com/batch/latest/userguide/spot-retries.html).
SPOT: Final = Family("SPOT", "EC2", True, "Host EC2*", None, "subnet")
UNMANAGED: Final = Family("UNMANAGED", "EC2", False, "", None, "subnet")
FAMILIES: Final[Mapping[str, Family]] = {
    one.word: one for one in (FARGATE, FARGATE_SPOT, EC2, SPOT, UNMANAGED)
}
"""Every family, by the type of its compute resources."""


def family_of(answer: Mapping[str, Any]) -> Family | None:
    """
    The family of a compute environment as Batch describes it; None for one that isn't known.
    """
    # Those of EKS say EC2 and SPOT as well.
    if answer.get("eksConfiguration"):
        return None
    if answer.get("type") == UNMANAGED.word:
        return UNMANAGED
    return FAMILIES.get((answer.get("computeResources") or {}).get("type", ""))
