"""Texts that the page's scripts show: flat, by the key under which a script asks for them. Nothing else lives here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.utils.translation import gettext_lazy as _

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise

# `{name}` places are filled in by the page. A word of the protocol has its own text as `<prefix>.<word>`.
JS_STRINGS: dict[str, _StrPromise] = {
    "connection.connecting": _("Connecting…"),
    "connection.connected": _("Connected"),
    "connection.reconnecting": _("Reconnecting…"),
    "connection.offline": _("Offline. What you write is kept and sent later."),
    "connection.catching-up": _("Catching up…"),
    "stopped.signin": _("You are signed out or signed in as someone else. Reload the page to go on."),
    "stopped.gate": _("Closed talk is off at the moment, so this page is read-only."),
    "stopped.stop": _("The connection has ended. Reload the page to try again."),
    "action.reload": _("Reload"),
    "action.why": _("Why? The rule and what would turn it on"),
    "action.lobby": _("Go to the open rooms"),
    "action.close": _("Close"),
    "action.cancel": _("Cancel"),
    "action.retry": _("Send again"),
    "action.discard": _("Discard"),
    "action.reply": _("Reply"),
    "action.edit": _("Edit"),
    "action.delete": _("Delete"),
    "actions.label": _("Actions for this message"),
    "log.arrived": _("New messages: {n}"),
    "log.below": _("{n} new ↓"),
    "log.latest": _("To the latest ↓"),
    "log.unread": _("Unread from here"),
    "message.sending": _("Sending…"),
    "message.sent": _("Sent"),
    "message.failed": _("Not sent."),
    "message.deleted": _("This message was deleted."),
    "message.edited": _("(edited)"),
    "message.stale": _("It waited too long to be sent by itself."),
    "message.unchanged": _("That did not reach the server. Please try again."),
    "quote.elsewhere": _("An earlier message"),
    "quote.deleted": _("A deleted message"),
    "composer.replying": _("Reply to {name}"),
    "composer.editing": _("Editing your message"),
    "composer.count": _("{n} of {limit} characters"),
    "composer.enter": _("Enter starts a new line, Ctrl+Enter (⌘+Enter) sends"),
    "room.presence": _("{n} here"),
    "typing.one": _("{name} is typing…"),
    "typing.many": _("{n} people are typing…"),
    "confirm.delete": _("Delete this message for everyone?"),
    "confirm.leave": _("End this talk for both of you?"),
    "match.left": _("This talk has ended."),
    "match.left.partner_left": _("The other person has left. The talk has ended."),
    "match.left.gate": _("Closed talk has been turned off, so this talk has ended."),
    "match.left.left": _("You have left. The talk has ended."),
    "match.found.with": _("You have been brought together with {name}."),
    "match.cancelled": _("The search has ended. The open rooms are always there."),
    "match.cancelled.self": _("You have stopped looking."),
    "match.estimate": _("About {n} min"),
    "match.estimate.soon": _("Under a minute"),
    "switcher.label": _("Go to a room"),
    "switcher.none": _("No room has this name."),
}
