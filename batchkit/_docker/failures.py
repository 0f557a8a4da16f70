"""
What Docker's failures mean, and what to do about them.

Docker and the registries report failures as text only, so a failure is recognised by fragments
of that text in lower case. The first row that matches counts; the last row of a table matches
every text.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from attrs import frozen


@frozen
class Failure:
    """
    A *reason* for programs, *advice* for people, and the *fragments* that identify the failure.
    """

    reason: str
    advice: str
    fragments: tuple[str, ...] = ("",)

    def matches(self, text: str) -> bool:
        """
        Whether *text* has one of the fragments.
        """
        return any(fragment in text.lower() for fragment in self.fragments)


def known(text: str, table: Iterable[Failure]) -> Failure:
    """
    The first row of *table* that matches *text*. URLs are ignored: users choose names in them.
    """
    without_urls = re.sub(r'"https?://[^"]*"', "", text)
    return next(failure for failure in table if failure.matches(without_urls))


def build_failure(text: str, step: str, lines: Iterable[str]) -> Failure:
    """
    The failure of a build that ended with *text* at *step* after the output *lines*.
    """
    # the text before "returned" is the command itself, which may contain any words
    # (BuildKit: "did not complete successfully")
    ends = (text.rfind("returned a non-zero code"), text.rfind("did not complete successfully"))
    failure = known(text[max(*ends, 0) :], BUILD)
    if failure is not STEP_FAILED:
        return failure
    if re.search(r" : FROM |\d\] FROM ", step):
        return BASE_MISSING
    output = "\n".join(lines)
    return next((cause for cause in (NO_SPACE, NO_EMULATION) if cause.matches(output)), failure)


NO_SPACE = Failure(
    "DiskFull",
    "The disk is full: make room with `docker system prune`, or clean up the registry's disk.",
    ("no space left on device", "disk quota exceeded"),
)
SILENT = Failure(
    "TimedOut",
    "Nothing was heard in the time allowed: try again, or allow more time.",
    ("read timed out", "not done when the time"),
)

CONNECT = (
    Failure(
        "PermissionDenied",
        "Your user may not use Docker's socket: run `sudo usermod -aG docker $USER` and log in "
        "again.",
        ("permission denied", "permissionerror"),
    ),
    Failure(
        "NoDaemon",
        "Start Docker (Docker Desktop, or `sudo systemctl start docker`), point DOCKER_HOST at a "
        "daemon, or give the URI of an image that is already in a registry.",
    ),
)

BASE_MISSING = Failure(
    "BaseImageMissing",
    "The image in FROM could not be had: check its name and tag, the network, and, if it is "
    "private, `docker login`.",
)
NO_EMULATION = Failure(
    "NoEmulation",
    "This machine can't run programs of that architecture: install the emulation with "
    "`docker run --privileged --rm tonistiigi/binfmt --install all`, or build on such a machine.",
    ("exec format error",),
)
STEP_FAILED = Failure("StepFailed", "Correct what the step does; its last lines follow.")
BUILD = (
    NO_SPACE,
    SILENT,
    Failure(
        "NeedsBuildKit",
        "Install docker's plugin buildx, which builds with BuildKit, or write it without.",
        ("requires buildkit", "require buildkit", "unsupported modifier"),
    ),
    Failure(
        "HelperMissing",
        "A credential helper that credsStore or credHelpers in Docker's config.json names failed: "
        "install it, or take the key out.",
        ("error getting credentials", "docker-credential-"),
    ),
    Failure(
        "BasePlatform",
        "The image in FROM is not there for this platform: choose another base or architecture.",
        ("does not match the specified platform", "no matching manifest", "no match for platform"),
    ),
    NO_EMULATION,
    Failure(
        "TargetMissing",
        "No stage of the Dockerfile has the name given as target: check `FROM ... AS name`.",
        ("failed to reach build target", "target stage"),
    ),
    Failure(
        "DockerfileInvalid",
        "Correct the Dockerfile.",
        (
            "parse error",
            "unknown instruction",
            "cannot be empty",
            "no instructions",
            "no build stage",
            "syntax error",
        ),
    ),
    Failure(
        "FileMissing",
        "Check that the file is in the build context and not listed in .dockerignore.",
        ("copy failed", "add failed", "failed to compute cache key", "calculate checksum of ref"),
    ),
    Failure(
        "OutOfMemory",
        "The step was killed, most likely for want of memory: give Docker more of it.",
        ("code: 137",),
    ),
    STEP_FAILED,
)

PUSH = (
    NO_SPACE,
    SILENT,
    Failure(
        "TokenExpired",
        "The registry's token expired, and so did a new one: check this machine's clock.",
        ("token has expired", "token is expired", "token expired"),
    ),
    Failure(
        "TagExists",
        "The repository is immutable and has this tag: use the image that is there.",
        ("cannot be overwritten", "is immutable", "tag invalid"),
    ),
    Failure(
        "RepositoryMissing",
        "Create the repository first, in this account and region.",
        ("name unknown", "name_unknown", "repository with name", "repository not found"),
    ),
    Failure(
        "NoCredentials",
        "No user and password reached the registry: check what the session may do in ECR.",
        ("no basic auth credentials",),
    ),
    Failure(
        "Throttled",
        "The registry has too many requests: try again in a few minutes.",
        ("toomanyrequests", "too many requests", "rate exceeded", "status: 429"),
    ),
    Failure(
        "ImageMissing",
        "Build the image first: the daemon does not hold it.",
        ("does not exist locally", "tag does not exist", "no such image"),
    ),
    Failure(
        "Denied",
        "The registry knows you and refuses, or does not know you: check the permissions "
        "ecr:GetAuthorizationToken, ecr:BatchCheckLayerAvailability, ecr:InitiateLayerUpload, "
        "ecr:UploadLayerPart, ecr:CompleteLayerUpload and ecr:PutImage, and the policy of the "
        "repository.",
        ("denied", "unauthorized", "not authorized", "forbidden", "http 403", "http 401"),
    ),
    Failure(
        "NotWritable",
        "The registry takes no pushes here: it is read-only, or it is not a registry.",
        ("http 405", "status: 405", "method not allowed"),
    ),
    Failure(
        "Unreachable",
        "The Docker daemon can't reach the registry: check the name, the network and its proxy.",
        (
            "connection refused",
            "no such host",
            "i/o timeout",
            "handshake timeout",
            "network is unreachable",
            "no route to host",
            "request canceled",
            "x509",
            "server gave http response",
            "server misbehaving",
            "temporary failure in name resolution",
        ),
    ),
    Failure(
        "Dropped",
        "The registry closed the connection: try again.",
        ("eof", "connection reset", "broken pipe"),
    ),
    Failure(
        "RegistryFailed",
        "The registry itself failed: try again later.",
        ("http status: 5", "http 5", "internal server error", "bad gateway", "unavailable"),
    ),
    Failure("Unknown", "Try again; `docker push` may say more."),
)
