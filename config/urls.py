"""Where each part of the service hangs. Views that others wrote are told here which feature they serve."""

from allauth.account.decorators import secure_admin_login
from django.contrib import admin
from django.urls import include, path, re_path

from chat.people.accounts import PasswordReset, PasswordResetFromKey
from compliance.gate import declare
from compliance.law import Feature

# The admin signs in where everybody does: one place for rate limits, second factors and passkeys.
admin.site.login = secure_admin_login(admin.site.login)  # type: ignore[method-assign]

handler429 = "chat.web.pages.too_many"  # allauth's name for it
handler500 = "chat.web.middleware.failed"

urlpatterns = [
    declare(Feature.OPERATOR, path("admin/", admin.site.urls)),
    # Two of allauth's pages, which lose the errand on the way through the mail.
    declare(Feature.ACCOUNT, path("accounts/password/reset/", PasswordReset.as_view(), name="account_reset_password")),
    declare(
        Feature.ACCOUNT,
        re_path(
            r"^accounts/password/reset/key/(?P<uidb36>[0-9A-Za-z]+)-(?P<key>.+)/$",
            PasswordResetFromKey.as_view(),
            name="account_reset_password_from_key",
        ),
    ),
    declare(Feature.ACCOUNT, path("accounts/", include("allauth.urls"))),
    declare(Feature.SERVICE, path("i18n/", include("django.conf.urls.i18n"))),
    path("", include("compliance.urls")),
    path("", include("chat.urls")),
]
