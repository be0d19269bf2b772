"""The settings and the two entrances: config.asgi for servers, config.urls for pages."""

import environ

environ.Env.ENVIRON.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
