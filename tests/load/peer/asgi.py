"""The peer's consumer and application: one group per room, one member per socket, one `group_send` per message."""

import os
from typing import Any

os.environ["DJANGO_SETTINGS_MODULE"] = "tests.load.peer.settings"

from channels.generic.websocket import AsyncJsonWebsocketConsumer
from channels.routing import ProtocolTypeRouter, URLRouter
from django.core.asgi import get_asgi_application
from django.urls import path

pages = get_asgi_application()
urlpatterns: list[Any] = []


class ChatConsumer(AsyncJsonWebsocketConsumer):
    """The consumer of the tutorial's third part, with the JSON base class that Channels offers for it."""

    async def connect(self) -> None:
        """Take a place in the room that the address names."""
        self.group = f"chat_{self.scope['url_route']['kwargs']['room']}"
        await self.channel_layer.group_add(self.group, self.channel_name)
        await self.accept()

    async def disconnect(self, code: int) -> None:
        """Leave the room."""
        await self.channel_layer.group_discard(self.group, self.channel_name)

    async def receive_json(self, content: Any, **kwargs: Any) -> None:
        """Pass a message on to everybody in the room."""
        await self.channel_layer.group_send(self.group, {"type": "chat.message", "message": content["message"]})

    async def chat_message(self, event: dict[str, Any]) -> None:
        """Write a message to this socket."""
        await self.send_json({"message": event["message"]})


chat: Any = ChatConsumer.as_asgi()
routes: Any = [path("ws/<str:room>/", chat)]
application = ProtocolTypeRouter({"http": pages, "websocket": URLRouter(routes)})
