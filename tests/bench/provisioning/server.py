"""
An embedded AWS over HTTP: prints its address, and ends when its standard input does.
"""

from __future__ import annotations

import gc
import sys

from batchkit.local import local_aws


def main() -> None:
    """
    Serves until nobody wants it any more.
    """
    gc.disable()  # of moto's heap a collection takes 0.2 s, which would be the tools'
    with local_aws(docker=False) as session:
        print(session.endpoint_url, flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main()
