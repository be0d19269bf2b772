"""Settings of the peer: the pub/sub layer, and nothing that it does not need."""

import environ

env = environ.Env()

DEBUG = False
SECRET_KEY = "for load tests only"  # noqa: S105 -- signs nothing
ALLOWED_HOSTS = ["127.0.0.1"]
ROOT_URLCONF = "tests.load.peer.asgi"
INSTALLED_APPS = ["channels"]
CHANNEL_LAYERS = {
    "default": {
        "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
        "CONFIG": {"hosts": [env.str("REDIS_URL")], "prefix": env.str("REDIS_PREFIX")},
    }
}
USE_TZ = True
LOGGING_CONFIG = None
