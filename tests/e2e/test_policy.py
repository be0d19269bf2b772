"""No page needs what the content security policy forbids, and none asks another host."""

from typing import Any

import pytest

from chat.models import User
from tests.serving import Server

STRANGER = ("/", "/legal/", "/accounts/login/", "/accounts/signup/", "/accounts/password/reset/", "/no-such-page/")
MEMBER = ("/", "/rooms/new/", "/accounts/email/", "/accounts/password/change/", "/accounts/2fa/")
OPERATOR = ("/admin/", "/admin/chat/user/add/", "/admin/chat/user/", "/admin/compliance/", "/admin/password_change/")


@pytest.mark.parametrize("who", ["stranger", "member", "operator"])
def test_pages_keep_the_policy(who: str, visit: Any, user: User, operator: User, server: Server) -> None:
    person, paths = {"stranger": (None, STRANGER), "member": (user, MEMBER), "operator": (operator, OPERATOR)}[who]
    page = visit(person).new_page()
    complaints: list[str] = []
    hosts: set[str] = set()
    page.on("console", lambda message: complaints.append(f"{page.url}: {message.text}"))
    page.on("pageerror", lambda error: complaints.append(f"{page.url}: {error}"))
    page.on("request", lambda request: hosts.add(request.url.split("/")[2]))
    for path in paths:
        response = page.goto(path)
        assert response is not None
        assert response.status < 500
    assert [text for text in complaints if "Content Security Policy" in text or "Error" in text] == []
    assert hosts == {server.url.removeprefix("http://")}
