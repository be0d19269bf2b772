"""The service with time-outs so short that a test can wait for them; processes under test serve it."""

from django.conf import settings

import config  # noqa: F401 -- names the settings module

settings.HEAD_SECONDS = 1.5
settings.BODY_SECONDS = 1.5
settings.CHAT_LIMITS["message_seconds"] = 1

from config.asgi import application  # noqa: E402, F401
