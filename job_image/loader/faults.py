"""
The ways in which a load can end early; each carries its exit code.

    Fault
    ├── BadInput     2    the settings, the table or the file are not what they should be
    │   ├── EmptyFile     there is not even a header
    │   └── Changed       an object is gone, or another one than it was
    ├── Refused      3    AWS said no, or said nothing for too long
    └── Terminated 143    the container was told to stop (SIGTERM)
"""


class Fault(BaseException):
    """
    The load can't go on; the message is one line for a person.

    No Exception: where SIGTERM comes while a library waits, it must not take it for a fault of its
    own that it may pass over or wrap.
    """

    exit_code = 1


class BadInput(Fault):
    """
    What the user gave can't be loaded.
    """

    exit_code = 2


class EmptyFile(BadInput):
    """
    A file has nothing in it, which is no fault where others have.
    """


class Changed(BadInput):
    """
    An object or a bucket isn't there, or isn't what it was.
    """


class Refused(Fault):
    """
    AWS doesn't let the job read or write.
    """

    exit_code = 3


class Terminated(Fault):
    """
    SIGTERM came: what was read is flushed, the rest is left for the next attempt.
    """

    exit_code = 143
