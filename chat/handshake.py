"""Reads a connection's ASGI scope: whose session, which language, which address."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from channels.security.websocket import OriginValidator, WebsocketDenier
from django.conf import settings

if TYPE_CHECKING:
    from urllib.parse import ParseResult


class Entrance(OriginValidator):
    """The one way in to `/ws/`; refuses any other path, and sockets that a page of another site opens.

    A browser always names the page's origin; `null` (a sandboxed page) counts as foreign. A client that names none is
    no browser, and carries no cookie that its user did not give it. (Cross-site WebSocket hijacking.)
    """

    async def __call__(self, scope: Any, receive: Any, send: Any) -> Any:
        """Serve or deny one connection."""
        if scope["path"] != "/ws/":
            return await WebsocketDenier()(scope, receive, send)
        return await super().__call__(scope, receive, send)

    def valid_origin(self, parsed_origin: ParseResult | None) -> bool:
        """Return whether a socket from this origin may be opened."""
        return parsed_origin is None or bool(super().valid_origin(parsed_origin))


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
    """Return `ja` or `en`: the chosen language, else the browser's, else the deployment's."""
    chosen = _cookies(scope).get(settings.LANGUAGE_COOKIE_NAME, "")
    if chosen in ("ja", "en"):
        return chosen
    for accepted in _header(scope, b"accept-language").lower().split(","):
        if accepted.strip()[:2] in ("ja", "en"):
            return accepted.strip()[:2]
    return str(settings.LANGUAGE_CODE)


def address_of(scope: dict[str, Any]) -> str:
    """Return the address of the client behind an ASGI scope; see `address`."""
    client = scope.get("client")
    return address(_header(scope, b"x-forwarded-for"), str(client[0]) if client else "")


def address(forwarded: str, peer: str) -> str:
    """Return a client's address, believing as many entries of X-Forwarded-For as TRUSTED_PROXIES says.

    Args:
        forwarded: the header, empty if there is none.
        peer: who is at the other end of the connection.
    """
    hops = [part.strip() for part in forwarded.split(",") if part.strip()]
    if settings.TRUSTED_PROXIES and len(hops) >= settings.TRUSTED_PROXIES:
        return hops[-settings.TRUSTED_PROXIES]
    return peer
