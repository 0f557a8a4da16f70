"""
Everything that batchkit raises on purpose.

::

    BatchkitError
    ├── SpecError (ValueError)          a spec that AWS would refuse; raised before the first call
    ├── ConfigError (ValueError)        a batchkit.toml that can't be used; says the lines
    ├── AwsError                        AWS refused a call, or answered with a failure
    │   ├── AccessDenied                a permission is missing; carries the statement to add
    │   ├── QuotaExceeded               a quota is used up; says which and how to raise it
    │   └── CredentialsError            no credentials, or expired ones
    ├── PreflightError                  something that a stack needs is missing; nothing was made
    ├── NotOwnedError                   a resource of that name exists and is not this stack's
    ├── ReplacementNeeded               a change that AWS can't make in place
    ├── BrokenResource                  AWS made it, and it failed (INVALID, failed, FAILED)
    ├── StillWaiting (TimeoutError)     a deadline passed; says what the last state was
    ├── ApplyError                      some of a stack could not be made
    ├── TeardownError                   some of a stack could not be deleted
    ├── ImageError                      the image could not be built, pushed or resolved
    │   ├── DockerUnavailable           no Docker daemon answers
    │   ├── BuildFailed                 a step of the Dockerfile failed; carries its last lines
    │   ├── ContextError                the build context can't be used (no Dockerfile, too large)
    │   ├── WrongArchitecture           the image built is for another architecture
    │   └── PushFailed                  the registry refused the image, or did not answer
    ├── StackNotFound (LookupError)     no stack of that name in this account and region
    ├── RunNotFound (LookupError)       no such run, or one that AWS has forgotten
    ├── JobFailed                       a run ended without success
    └── LocalError                      the embedded AWS can't be started
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from batchkit._printable import printable_lines


class BatchkitError(Exception):
    """
    The root of everything that batchkit raises on purpose; it can be pickled.
    """

    def __str__(self) -> str:
        # Names, tags and messages of AWS may hold what steers a terminal.
        return printable_lines(super().__str__())

    def __reduce__(self) -> tuple[Any, ...]:
        # Python would call the class with the message alone, and a pool of processes would hang.
        state = {name: _portable(value) for name, value in vars(self).items()}
        return _revived, (type(self), self.args, state)

    def add_sentence(self, sentence: str) -> None:
        """
        The message ends with *sentence*, which says more than was known where it was raised.
        """
        self.args = (f"{self} {sentence}",)


class Told(str):
    """
    What stands for a value that can't be pickled: its repr.
    """

    def __repr__(self) -> str:
        return str(self)


def _portable(value: Any) -> Any:
    """
    *value*, with what can't be pickled in it replaced by its repr.
    """
    import pickle

    try:
        pickle.loads(pickle.dumps(value))
    except Exception:  # whatever a value of any type raises
        if isinstance(value, tuple):
            parts = map(_portable, value)
            return type(value)(*parts) if hasattr(value, "_fields") else tuple(parts)
        return Told(repr(value))
    return value


def _revived(
    error_class: type[BatchkitError], args: tuple[Any, ...], state: dict[str, Any]
) -> BatchkitError:
    error = error_class.__new__(error_class, *args)
    error.args = args
    vars(error).update(state)
    return error


class Problem(NamedTuple):
    """
    One thing that is wrong with a spec.
    """

    field: str
    got: object
    expects: str

    def __str__(self) -> str:
        return f"{self.field}: got {self.got!r}, expects {self.expects}"


class SpecError(BatchkitError, ValueError):
    """
    A spec that AWS would refuse; raised before the first call, with all its *problems* together.
    """

    def __init__(self, subject: str, problems: Sequence[Problem]) -> None:
        self.subject = subject
        self.problems = tuple(problems)
        super().__init__(
            "\n".join([f"{subject} is not valid:", *(f"  {f}" for f in self.problems)])
        )


class ConfigError(BatchkitError, ValueError):
    """
    A `batchkit.toml` that can't be used; the message gives file, line and key of each problem.
    """


class AwsError(BatchkitError):
    """
    AWS refused a call: which one, for which resource, with AWS's own code, message and request id.
    """

    advice = "Running the same call again goes on from what exists now."
    unanswered = False
    """Whether no answer came from AWS at all."""

    def __init__(
        self,
        operation: str,
        code: str,
        message: str,
        *,
        request_id: str = "",
        resource: str = "",
        advice: str = "",
    ) -> None:
        self.operation = operation
        self.code = code
        self.message = message
        self.request_id = request_id
        self.resource = resource
        what = f"{resource}: " if resource else ""
        which = f" (request {request_id})" if request_id else ""
        says = message.rstrip(".")
        super().__init__(
            f"{what}{operation} failed with {code}: {says}{which}. {advice or self.advice}"
        )


class AccessDenied(AwsError):
    """
    A permission is missing; *statement* is what a policy must hold.
    """

    statement: dict[str, object] | None = None


class QuotaExceeded(AwsError):
    """
    A quota of the account is used up.
    """


class CredentialsError(AwsError):
    """
    There are no credentials, or they have expired.
    """

    advice = "Set AWS_PROFILE, run `aws sso login`, or pass a session that has credentials."


class PreflightError(BatchkitError):
    """
    Something that a stack needs is missing: its *findings* say what; nothing was made.
    """

    def __init__(self, message: str, *, findings: Sequence[object] = ()) -> None:
        self.findings = tuple(findings)
        super().__init__(message)


class NotOwnedError(BatchkitError):
    """
    A resource of the desired name exists and does not carry this stack's tag; it was not touched.
    """


class ReplacementNeeded(BatchkitError):
    """
    AWS can't change that field in place, and nothing could take the resource's place.
    """


class BrokenResource(BatchkitError):
    """
    AWS made the resource, and then reported that it failed.
    """


class StillWaiting(BatchkitError, TimeoutError):
    """
    A deadline passed before AWS was done; the message says what the last state was.
    """


class ApplyError(BatchkitError):
    """
    Some of a stack could not be made: what was *done*, what *failed*, what was *not_started*.
    """

    def __init__(
        self,
        message: str,
        *,
        done: Sequence[str] = (),
        failed: Sequence[tuple[str, Exception]] = (),
        not_started: Sequence[str] = (),
    ) -> None:
        self.done = tuple(done)
        self.failed = tuple(failed)
        self.not_started = tuple(not_started)
        super().__init__(message)


class TeardownError(ApplyError):
    """
    Some of a stack could not be deleted; *failed* and *not_started* are what is left.
    """


class ImageError(BatchkitError):
    """
    The image could not be built, pushed or resolved.
    """


class DockerUnavailable(ImageError):
    """
    No Docker daemon answers.
    """


class BuildFailed(ImageError):
    """
    A step of the Dockerfile failed: which *step*, the *reason*, and in *log* the end of its output.
    """

    def __init__(
        self, message: str, *, reason: str = "", step: str = "", log: Sequence[str] = ()
    ) -> None:
        self.reason = reason
        self.step = step
        self.log = tuple(log)
        super().__init__("\n".join([message, *(f"  | {line}" for line in self.log)]))


class ContextError(ImageError):
    """
    The build context can't be used: it is missing, has no Dockerfile, or is too large.
    """


class WrongArchitecture(ImageError):
    """
    The image built is for another architecture than the job definition asks for.
    """


class PushFailed(ImageError):
    """
    The registry refused the image, or did not answer; *reason* is `Denied`, `TagExists` and so on.
    """

    def __init__(self, message: str, *, reason: str = "") -> None:
        self.reason = reason
        super().__init__(message)


class StackNotFound(BatchkitError, LookupError):
    """
    There is no stack of that name in this account and region.
    """


class RunNotFound(BatchkitError, LookupError):
    """
    There is no such run, or AWS has forgotten it.
    """


class JobFailed(BatchkitError):
    """
    A run ended without success: its status, reason, exit code, attempts and last log lines.

    *findings* is what `Run.explain` says about it.
    """

    def __init__(
        self,
        message: str,
        *,
        status: str = "",
        reason: str = "",
        exit_code: int | None = None,
        attempts: int = 0,
        log: Sequence[str] = (),
        findings: Sequence[object] = (),
    ) -> None:
        self.status = status
        self.reason = reason
        self.exit_code = exit_code
        self.attempts = attempts
        self.log = tuple(log)
        self.findings = tuple(findings)
        lines = (f"  | {line}" for line in self.log)
        super().__init__("\n".join([message, *lines, *map(str, self.findings)]))


class LocalError(BatchkitError):
    """
    The embedded AWS can't be started.
    """
