"""What the admin registers, and what its actions declare."""

from django.contrib import admin
from django.test import RequestFactory

from chat.models import User
from compliance.law import Feature


def test_what_runs_the_gate_is_no_list_in_the_admin() -> None:
    registered = {model._meta.label for model in admin.site._registry}
    assert not registered & {
        "compliance.Instance",
        "compliance.GateState",
        "chat.Message",
        "chat.Participant",
        "chat.Pairing",
        "chat.Ticket",
        "mfa.Authenticator",
    }


def test_every_action_says_which_feature_it_serves(operator: User, rf: RequestFactory) -> None:
    request = rf.get("/admin/")
    request.user = operator
    for model_admin in admin.site._registry.values():
        for action in model_admin.get_actions(request).values():
            assert action is not None
            assert getattr(action[0], "feature", None) is Feature.OPERATOR
