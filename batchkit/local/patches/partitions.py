"""
Patches for the partitions beside `aws`: GovCloud, China and the isolated ones.
"""

from __future__ import annotations

from typing import Any

from moto.core.responses import BaseResponse

from batchkit.local.patches.patch import Patches

PATCHES = Patches()


@PATCHES(
    BaseResponse,
    "get_region_from_url",
    reason="IAM of GovCloud, at iam.us-gov.amazonaws.com, gives ARNs of aws-us-gov, but moto "
    "takes us-gov for a region that it doesn't know, and gives ARNs of aws",
)
def region_of_call(original: Any, self: Any, request: Any, full_url: str) -> str:
    found = str(original(self, request, full_url))
    # The host of a service that a partition has once names the partition; the signature has the
    # region (https://docs.aws.amazon.com/general/latest/gr/iam-service.html).
    scope = str(request.headers.get("Authorization", "")).partition("Credential=")[2].split("/")
    return scope[2] if len(scope) > 2 and scope[2].startswith(f"{found}-") else found
