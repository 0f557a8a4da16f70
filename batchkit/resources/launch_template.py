"""
EC2: launch templates, which say what an instance is started with.
"""

from __future__ import annotations

import base64
from collections.abc import Collection, Mapping
from typing import Any, ClassVar, Final

from attrs import frozen

from batchkit._model.calls import Operation, Steps
from batchkit._model.checks import Constraint, checked, optional, text, whole
from batchkit._model.properties import named, read_only
from batchkit._model.reader import Reader
from batchkit._model.tags import owner, parse, tag_fields
from batchkit.resources.ec2 import TAGGING, Ec2Resource

_BOUNDARY: Final = "==BATCHKIT=="
_MOST: Final = 15 * 1024
"""
Bytes of user data, which may have 16 KiB, with what makes an archive of them
(https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instancedata-add-user-data.html).
"""
DISK: Final = whole(30, 16384, "GiB")
USER_DATA = Constraint(
    f"a shell script, or a MIME multipart archive, of at most {_MOST} bytes",
    lambda value: value.startswith(("#!", "MIME-Version:")) and len(value.encode()) <= _MOST,
)


def archive(user_data: str) -> str:
    """
    *user_data* as a MIME multipart archive, which Batch adds its own part to.

    Batch takes no other form
    (https://docs.aws.amazon.com/batch/latest/userguide/launch-templates.html).
    """
    if user_data.startswith("MIME-Version:"):
        return user_data
    lines = [
        "MIME-Version: 1.0",
        f'Content-Type: multipart/mixed; boundary="{_BOUNDARY}"',
        "",
        f"--{_BOUNDARY}",
        'Content-Type: text/x-shellscript; charset="utf-8"',
        "",
        user_data,
        f"--{_BOUNDARY}--",
        "",
    ]
    return "\n".join(lines)


@frozen(kw_only=True)
class LaunchTemplate(Ec2Resource):
    """
    A launch template, whose instances answer to requests for metadata of version 2 only.

    What it says is in its name, so it never changes, and its version is always 1.

    Args:
        disk: GiB of the root volume; None for those of the AMI.
        user_data: A shell script, or a MIME multipart archive, for the first start of an instance.
    """

    DESCRIBE: ClassVar = Operation("ec2", "DescribeLaunchTemplates")
    CREATE: ClassVar = Operation(
        "ec2",
        "CreateLaunchTemplate",
        TAGGING,
        exists=("InvalidLaunchTemplateName.AlreadyExistsException",),
    )
    DELETE: ClassVar = Operation(
        "ec2", "DeleteLaunchTemplate", absent=("InvalidLaunchTemplateId.NotFound",)
    )
    LISTED: ClassVar = "LaunchTemplates"
    TYPE: ClassVar = "launch-template"

    name: str = checked(text(r"[\w().\-/]{3,128}", "3-128 letters, digits or ().-/_"))
    disk: int | None = named(optional(DISK), write_only=True, default=None)
    user_data: str | None = named(optional(USER_DATA), write_only=True, default=None)
    id: str = read_only("LaunchTemplate.LaunchTemplateId")

    def candidates(self, reader: Reader) -> list[LaunchTemplate]:
        # By its name, which is unique in a region, whoever has it.
        wanted = [{"Name": "launch-template-name", "Values": [self.name]}]
        listed = reader(self.DESCRIBE(Filters=wanted))[self.LISTED]
        found = (self.parse(one, reader) for one in listed)
        return [one for one in found if one.name == self.name]

    @classmethod
    def parse(cls, answer: Mapping[str, Any], reader: Reader) -> LaunchTemplate:
        name, tags = answer["LaunchTemplateName"], answer.get("Tags")
        stack = owner(parse(tags)) or name
        return cls(**tag_fields(tags, name=name, stack=stack), id=answer["LaunchTemplateId"])

    def create(self) -> Steps:
        yield self.CREATE(
            LaunchTemplateName=self.name,
            LaunchTemplateData=self._data(),
            TagSpecifications=self.tagging(),
        )

    def update(self, actual: LaunchTemplate, drift: Collection[str]) -> Steps:
        yield from self.tag(actual, drift)

    def delete(self) -> Steps:
        yield self.DELETE(LaunchTemplateId=self.id)

    def _data(self) -> dict[str, Any]:
        # Containers share the network of the instance, so one hop gets to the metadata.
        data: dict[str, Any] = {
            "MetadataOptions": {"HttpTokens": "required", "HttpPutResponseHopLimit": 1}
        }
        if self.disk is not None:
            # Images and containers lie on the root volume
            # (https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs-ami-storage-config.html).
            volume = {
                "VolumeSize": self.disk,
                "VolumeType": "gp3",
                "Encrypted": True,
                "DeleteOnTermination": True,
            }
            data["BlockDeviceMappings"] = [{"DeviceName": "/dev/xvda", "Ebs": volume}]
        if self.user_data is not None:
            text_of = archive(self.user_data).encode()
            data["UserData"] = base64.b64encode(text_of).decode()
        return data
