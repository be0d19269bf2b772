"""Tables of chat; the constraints carry the invariants."""

from chat.models.counters import Counter
from chat.models.erasure import HeldCopy, HeldWord
from chat.models.log import Message
from chat.models.matching import Pairing, Ticket
from chat.models.people import LEFT_NAME, NAME_LENGTH, NAME_POINTS, Block, PendingSignup, Role, User, UserManager
from chat.models.preferences import Device, Preferences
from chat.models.reports import Reason, Report, ReportedMessage, TakenBack
from chat.models.rooms import ClosedRoomId, Participant, Room
from chat.models.sanctions import REASON_LENGTH, AddressMute, Appeal, Keeper, LeftAct, RemovedMessage, Sanction
from chat.models.sessions import LoginEnd

__all__ = [
    "LEFT_NAME",
    "NAME_LENGTH",
    "NAME_POINTS",
    "REASON_LENGTH",
    "AddressMute",
    "Appeal",
    "Block",
    "ClosedRoomId",
    "Counter",
    "Device",
    "HeldCopy",
    "HeldWord",
    "Keeper",
    "LeftAct",
    "LoginEnd",
    "Message",
    "Pairing",
    "Participant",
    "PendingSignup",
    "Preferences",
    "Reason",
    "RemovedMessage",
    "Report",
    "ReportedMessage",
    "Role",
    "Room",
    "Sanction",
    "TakenBack",
    "Ticket",
    "User",
    "UserManager",
]
