"""The application as a server sees it: health, files, pages by Django, and the sockets of our own origins."""

import sys

import django
from channels.routing import ProtocolTypeRouter

import config  # noqa: F401 -- names the settings module before Django starts

django.setup(set_prefix=False)  # which the imports below need

from chat.operations.probes import Probes  # noqa: E402
from chat.realtime import Lifespan  # noqa: E402
from chat.urls import websocket  # noqa: E402
from chat.web.bodies import Bodies  # noqa: E402
from chat.web.files import Files  # noqa: E402
from chat.web.handler import OneHop  # noqa: E402

pages = Bodies(Probes(Files(OneHop())))
application = Lifespan(ProtocolTypeRouter({"http": pages, "websocket": websocket}))

if (daphne := sys.modules.get("daphne.server")) is not None:
    # Daphne has loaded us, and makes its factory afterwards.
    from chat.web.daphne_http import Factory

    daphne.HTTPFactory = Factory  # type: ignore[attr-defined]
