"""
AWS's signature, version 4, worked out from AWS's documents without botocore.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from email.message import Message
from urllib.parse import parse_qsl, quote, urlsplit

_FORM = re.compile(
    r"AWS4-HMAC-SHA256 Credential=([^/]+)/(\d+)/([^/]+)/([^/]+)/aws4_request, "
    r"SignedHeaders=([^,]+), Signature=(\w+)"
)


def is_signed(
    method: str,
    path: str,
    headers: Message,
    body: bytes,
    wanted: tuple[str, str, str],
    secret: str,
) -> bool:
    """
    Whether a request has the signature of *secret*; *wanted* are access key, service and region.
    """
    match = _FORM.fullmatch(headers.get("Authorization", ""))
    if not match:
        return False
    access, day, region, service, names, signature = match.groups()
    digest = headers.get("X-Amz-Content-SHA256") or hashlib.sha256(body).hexdigest()
    scope = f"{day}/{region}/{service}/aws4_request"
    asked = hashlib.sha256(_canonical(method, path, headers, names, digest).encode()).hexdigest()
    key = ("AWS4" + secret).encode()
    for part in (*scope.split("/"), f"AWS4-HMAC-SHA256\n{headers['X-Amz-Date']}\n{scope}\n{asked}"):
        key = hmac.digest(key, part.encode(), "sha256")
    return (access, service, region, key.hex()) == (*wanted, signature) and digest in (
        "UNSIGNED-PAYLOAD",
        hashlib.sha256(body).hexdigest(),
    )


def _canonical(method: str, path: str, headers: Message, names: str, digest: str) -> str:
    """
    The request in the one form that is signed.
    """
    url = urlsplit(path)
    query = sorted(parse_qsl(url.query, keep_blank_values=True))
    told = "&".join(
        f"{quote(key, safe='-_.~')}={quote(value, safe='-_.~')}" for key, value in query
    )
    held = [f"{name}:{headers[name]}" for name in names.split(";")]
    return "\n".join([method, url.path, told, *held, "", names, digest])
