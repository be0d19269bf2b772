"""The application as a server sees it: pages to Django, sockets of our own origins to chat."""

from channels.routing import ProtocolTypeRouter
from django.core.asgi import get_asgi_application

import config  # noqa: F401 -- names the settings module before Django starts

pages = get_asgi_application()  # starts Django, which the imports below need

from chat.service import Service  # noqa: E402
from chat.urls import websocket  # noqa: E402

application = Service(ProtocolTypeRouter({"http": pages, "websocket": websocket}))
