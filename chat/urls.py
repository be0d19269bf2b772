"""URLs of chat: the pages of each capability, those of a demo in a demo only, and the one socket."""

from __future__ import annotations

from django.conf import settings
from django.urls import include, path

from chat.realtime import Entrance, chat_socket

app_name = "chat"

urlpatterns = [
    path("", include(f"chat.{capability}.urls"))
    for capability in ("rooms", "messages", "people", "matching", "safety", "operations")
]
if settings.DEMO:
    urlpatterns.append(path("", include("chat.demo.urls")))

websocket = Entrance(chat_socket)
