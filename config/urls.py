"""Where each part of the service hangs. Views that others wrote are told here which feature they serve."""

from allauth.account.decorators import secure_admin_login
from django.contrib import admin
from django.urls import include, path

from compliance.gate import declare
from compliance.law import Feature

# The admin signs in where everybody does: one place for rate limits, second factors and passkeys.
admin.site.login = secure_admin_login(admin.site.login)  # type: ignore[method-assign]

urlpatterns = [
    declare(Feature.OPERATOR, path("admin/", admin.site.urls)),
    declare(Feature.ACCOUNT, path("accounts/", include("allauth.urls"))),
    declare(Feature.SERVICE, path("i18n/", include("django.conf.urls.i18n"))),
    path("", include("compliance.urls")),
    path("", include("chat.urls")),
]
