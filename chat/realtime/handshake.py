"""Reads a connection's ASGI scope: whose session, which language, which address."""

from __future__ import annotations

import ipaddress
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import urlsplit

from channels.security.websocket import WebsocketDenier
from django.conf import settings
from django.http import HttpRequest
from django.http.request import split_domain_port, validate_host
from django.utils.http import is_same_domain
from django.utils.translation import get_language_from_request

from chat.realtime.transports.daphne import is_over_tls

Application = Callable[[dict[str, Any], Any, Any], Awaitable[Any]]

_PORTS = {"http": 80, "https": 443}


class Entrance:
    """The one way in to `/ws/`; refuses any other path, and sockets that a page of another site opens.

    A browser always names the page's origin; `null` (a sandboxed page) counts as foreign. A client that names none is
    no browser, and carries no cookie that its user did not give it. (Cross-site WebSocket hijacking.)

    Args:
        application: serves the sockets that may be opened.
    """

    def __init__(self, application: Application) -> None:
        self._application = application

    async def __call__(self, scope: Any, receive: Any, send: Any) -> Any:
        """Serve or deny one connection."""
        origin = _header(scope, b"origin")
        if scope["path"] != "/ws/" or (origin and not _is_ours(origin, scope, send)):
            return await WebsocketDenier()(scope, receive, send)
        return await self._application(scope, receive, send)


def _is_ours(origin: str, scope: dict[str, Any], send: Any) -> bool:
    """Return whether a page of this origin may open a socket: scheme, host and port, as Django's CSRF check (RFC 6454).

    That is the origin under which this connection was asked for, and those of CSRF_TRUSTED_ORIGINS.
    """
    found = _origin(origin)
    if found is None:
        return False
    host = _header(scope, b"host")
    domain, _port = split_domain_port(host)
    ours = _origin(f"{'https' if _is_secure(scope, send) else 'http'}://{host}")
    if found == ours and domain and validate_host(domain, settings.ALLOWED_HOSTS):
        return True
    return any(_is_trusted(found, trusted) for trusted in settings.CSRF_TRUSTED_ORIGINS)


def _is_trusted(found: tuple[str, str, int], trusted: str) -> bool:
    pattern = _origin(trusted.replace("://*.", "://", 1))
    if pattern is None or (found[0], found[2]) != (pattern[0], pattern[2]):
        return False
    return is_same_domain(found[1], f".{pattern[1]}" if "://*." in trusted else pattern[1])


def _origin(written: str) -> tuple[str, str, int] | None:
    """Return scheme, host and port of an origin; None if it is opaque or malformed."""
    try:
        parts = urlsplit(written)
        port = parts.port
    except ValueError:
        return None
    if parts.scheme not in _PORTS or not parts.hostname or parts.path or parts.query or "@" in parts.netloc:
        return None
    return parts.scheme, parts.hostname, _PORTS[parts.scheme] if port is None else port


def _is_secure(scope: dict[str, Any], send: Any) -> bool:
    if settings.HTTPS:
        return True
    said = _header(scope, b"x-forwarded-proto").partition(",")[0].strip()
    if settings.TRUSTED_PROXIES and said:
        return said == "https"
    return scope.get("scheme") == "wss" or is_over_tls(send)


def _header(scope: dict[str, Any], name: bytes, between: str = ",") -> str:
    # Each line counts (RFC 9110, 5.3): proxies add lines, and HTTP/2 splits cookies (RFC 9113, 8.2.3).
    return between.join(value.decode("latin1") for key, value in scope["headers"] if key == name)


def _cookies(scope: dict[str, Any]) -> dict[str, str]:
    pairs = (part.strip().partition("=") for part in _header(scope, b"cookie", ";").split(";"))
    return {name: value.strip('"') for name, _equals, value in pairs if name}


def session_of(scope: dict[str, Any]) -> str | None:
    """Return the session key that a connection's cookies carry."""
    return _cookies(scope).get(settings.SESSION_COOKIE_NAME) or None


def language_of(scope: dict[str, Any]) -> str:
    """Return `ja` or `en`, as Django chooses it for a page: by the cookie, else by what the browser accepts most."""
    request = HttpRequest()
    request.COOKIES = _cookies(scope)
    request.META["HTTP_ACCEPT_LANGUAGE"] = _header(scope, b"accept-language")
    return get_language_from_request(request)[:2]


def address_of(scope: dict[str, Any]) -> str:
    """Return the network of the client behind an ASGI scope; see `address` and `network`."""
    client = scope.get("client")
    return network(address(_header(scope, b"x-forwarded-for"), str(client[0]) if client else ""))


def address(forwarded: str, peer: str) -> str:
    """Return a client's address, believing as many entries of X-Forwarded-For as TRUSTED_PROXIES says.

    Args:
        forwarded: the header, empty if there is none. An entry may carry a port or brackets (RFC 7239, 6).
        peer: who is at the other end of the connection; empty for a Unix socket.

    Returns:
        the address in its one spelling (an IPv4 address that is mapped into IPv6 as IPv4, without port and zone);
        the peer as it stands if the header holds no address at that place.
    """
    hops = [part for part in forwarded.split(",") if part.strip()]
    if settings.TRUSTED_PROXIES and len(hops) >= settings.TRUSTED_PROXIES:
        found = _parsed(hops[-settings.TRUSTED_PROXIES])
        if found is not None:
            return str(found)
    found = _parsed(peer)
    return peer if found is None else str(found)


def network(of: str) -> str:
    """Return what one subscriber has: the address itself (IPv4), or its /64 (IPv6, RFC 6177). Limits are kept by it."""
    found = _parsed(of)
    if isinstance(found, ipaddress.IPv6Address):
        return str(ipaddress.IPv6Network((int(found) >> 64 << 64, 64)))
    return of if found is None else str(found)


def _parsed(written: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    text = written.strip().strip('"')
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:  # IPv4 with a port; IPv6 has two at least
        text = text.partition(":")[0]
    try:
        found = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
    return found.ipv4_mapped or found if isinstance(found, ipaddress.IPv6Address) else found
