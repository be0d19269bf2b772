"""Host names as the network knows them: 届け.example.jp is xn--… there (IDNA)."""

from __future__ import annotations

import re
from typing import Final

import idna

_ASCII: Final = re.compile(r"[a-z0-9_-]{1,63}(\.[a-z0-9_-]{1,63})*")
_LONGEST: Final = 253  # RFC 1035, 2.3.4


def network_name(host: str) -> str:
    """Return a host name as browsers send it, whichever way it was typed: in Japanese, in full width, in capitals.

    Args:
        host: without port; neither a literal IPv6 address nor a pattern.

    Raises:
        ValueError: it is no host name.
    """
    try:
        if host.isascii() and "xn--" not in host.lower():
            found = host.lower()
        else:
            found = idna.encode(host, uts46=True).decode()
            idna.decode(found)
    except (idna.IDNAError, UnicodeError) as error:
        raise ValueError(str(error)) from None
    if not _ASCII.fullmatch(found) or len(found) > _LONGEST:
        raise ValueError(f"{host} is no host name")
    return found


def readable_name(host: str) -> str:
    """Return a host name as people read it; itself where it is nothing else, such as an address."""
    try:
        return idna.decode(host) if "xn--" in host else host
    except (idna.IDNAError, UnicodeError):
        return host
