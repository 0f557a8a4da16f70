"""
The images that the base image replaces.
"""

from __future__ import annotations

import pytest
from base_image import names


@pytest.mark.parametrize(
    ("dockerfile", "wanted"),
    [
        ("FROM python:3.13-slim\nRUN true\n", ["python:3.13-slim"]),
        ("# syntax\nfrom --platform=$BUILDPLATFORM a:1 as one\nFROM one\nFROM scratch", ["a:1"]),
        ('ARG V=3.13\nARG S="slim"\nFROM r.io/py:${V}-$S AS b\n', ["r.io/py:3.13-slim"]),
        ("FROM a:1 \\\n  AS one\nFROM b:2\nCOPY --from=one /x /x\n", ["a:1", "b:2"]),
    ],
)
def test_the_images_in_from_lines_are_found(dockerfile: str, wanted: list[str]) -> None:
    """
    Stages of the file itself are not images; arguments have their defaults.
    """
    assert list(names(dockerfile)) == wanted
