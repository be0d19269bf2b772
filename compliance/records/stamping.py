"""The time of an anchor by an outside authority: an RFC 3161 time stamp, asked for over https where one is configured.

What leaves is the SHA-256 of the anchor's line and a random number: no personal data, and nothing of a visitor's.
"""

from __future__ import annotations

import base64
import ssl
import time
from http import HTTPStatus
from http.client import HTTPException, HTTPSConnection
from typing import Final
from urllib.parse import urlsplit

from django.conf import settings
from rfc3161_client import HashAlgorithm, PKIStatus, TimestampRequestBuilder, decode_timestamp_response

from compliance.models import LedgerEntry
from compliance.records import ledger
from compliance.records.events import Event

SECONDS: Final = 10
"""Time for connecting, and for the whole answer."""
MOST_BYTES: Final = 64 * 1024
"""A stamp with its certificates has some 2 to 8 KiB."""


class Unstamped(Exception):
    """No stamp could be had; the text says why in a sentence."""


def stamp(anchor: ledger.Anchor) -> LedgerEntry:
    """Have the authority at `TIMESTAMP_URL` stamp an anchor, and put the stamp into the ledger.

    Call it after the anchor's transaction: the network may take `SECONDS`.

    Raises:
        Unstamped: the authority did not answer, refused, or stamped something else. The anchor stands all the same.
    """
    url = urlsplit(settings.TIMESTAMP_URL)
    request = TimestampRequestBuilder().data(anchor.stamped).hash_algorithm(HashAlgorithm.SHA256).build()
    try:
        token = _post(url.hostname or "", url.port, url.path or "/", request.as_bytes())
        response = decode_timestamp_response(token)
        if response.status not in {PKIStatus.GRANTED, PKIStatus.GRANTED_WITH_MODS}:
            raise Unstamped(f"the authority refused (status {response.status})")
        info = response.tst_info
    except (OSError, HTTPException, ValueError) as error:
        raise Unstamped(f"the authority did not answer with a time stamp: {error}") from None
    if info.message_imprint.message != request.message_imprint.message or info.nonce != request.nonce:
        raise Unstamped("the authority stamped something else")
    payload = {
        "anchor": anchor.seq,
        "authority": url.hostname,
        "stamped_at": ledger.stamp(info.gen_time),
        "token": base64.b64encode(token).decode(),
    }
    return ledger.append(Event.ANCHOR_STAMPED, actor=None, payload=payload)


def _post(host: str, port: int | None, path: str, body: bytes) -> bytes:
    """Ask once, over verified TLS: no redirect, no more than `MOST_BYTES`, no longer than `SECONDS`."""
    until = time.monotonic() + SECONDS
    connection = HTTPSConnection(host, port, timeout=SECONDS, context=ssl.create_default_context())
    try:
        connection.request("POST", path, body, {"Content-Type": "application/timestamp-query"})
        answer = connection.getresponse()
        if answer.status != HTTPStatus.OK:
            raise Unstamped(f"the authority answered {answer.status}")
        content = b""
        while chunk := answer.read1(4096):
            content += chunk
            if len(content) > MOST_BYTES:
                raise Unstamped(f"the authority's answer is longer than {MOST_BYTES} bytes")
            if time.monotonic() > until:
                raise Unstamped(f"the authority took longer than {SECONDS} s")
        return content
    finally:
        connection.close()
