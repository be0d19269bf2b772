"""The events of the ledger, each by one name, with its words in Japanese and in English."""

from enum import StrEnum

from compliance.records.replay import EVENTS


class Event(StrEnum):
    """What an entry can be about; `ledger.append` takes nothing else."""

    GATE_OPENED = "gate.opened"
    GATE_CLOSED = "gate.closed"
    GATE_REFUSED = "gate.refused"
    ITEM_SIGNED = "item.signed"
    ITEM_WITHDRAWN = "item.withdrawn"
    STOP_PULLED = "stop.pulled"
    STOP_LIFTED = "stop.lifted"
    END_ANNOUNCED = "end.announced"
    END_WITHDRAWN = "end.withdrawn"
    END_REACHED = "end.reached"
    DUTY_DONE = "duty.done"
    DUTY_REOPENED = "duty.reopened"
    INCIDENT_RECORDED = "incident.recorded"
    CHANGE_RECORDED = "change.recorded"
    OUTAGE_RECORDED = "outage.recorded"
    OUTAGE_CORRECTED = "outage.corrected"
    RECORD_STRUCK = "record.struck"
    HOLD_PLACED = "hold.placed"
    HOLD_EXTENDED = "hold.extended"
    HOLD_LIFTED = "hold.lifted"
    FEED_MADE = "feed.made"
    FEED_REVOKED = "feed.revoked"
    RETENTION_PURGED = "retention.purged"
    REPORT_FILED = "report.filed"
    DISCLOSURE_MADE = "disclosure.made"
    STAFF_ADDED = "staff.added"
    STAFF_REMOVED = "staff.removed"
    POWER_GIVEN = "power.given"
    POWER_TAKEN = "power.taken"
    FACTOR_ADDED = "factor.added"
    FACTOR_REMOVED = "factor.removed"
    ACCOUNT_SUSPENDED = "account.suspended"
    ACCOUNT_RESTORED = "account.restored"
    KEY_ROTATED = "key.rotated"
    SERVICE_STARTED = "service.started"
    SERVICE_RESTORED = "service.restored"
    DATABASE_WENT_BACK = "database.went_back"
    RESTORE_CONFIRMED = "restore.confirmed"
    LEDGER_ANCHORED = "ledger.anchored"
    ANCHOR_STAMPED = "anchor.stamped"
    PROOF_EXPORTED = "proof.exported"
    EVIDENCE_DOWNLOADED = "evidence.downloaded"
    REPORT_ANSWERED = "report.answered"
    REPORT_OPENED = "report.opened"
    APPROVAL_REQUESTED = "approval.requested"
    APPROVAL_GIVEN = "approval.given"
    APPROVAL_REFUSED = "approval.refused"
    STAFF_RECOVERED = "staff.recovered"
    MESSAGE_REMOVED = "message.removed"
    MESSAGE_RESTORED = "message.restored"
    PERSON_WARNED = "person.warned"
    PERSON_MUTED = "person.muted"
    SANCTION_LIFTED = "sanction.lifted"
    APPEAL_DECIDED = "appeal.decided"
    ROOM_RESTRICTED = "room.restricted"
    ROOM_ARCHIVED = "room.archived"
    KEEPER_NAMED = "keeper.named"
    KEEPER_REMOVED = "keeper.removed"

    @property
    def ja(self) -> str:
        return EVENTS[self][0]

    @property
    def en(self) -> str:
        return EVENTS[self][1]
