"""SQLite's triggers: count the changes of who may read a room, and keep sealed words in closed rooms.

They count whoever makes a change: a page, a shell or a statement by hand. `chat/db/sql/room_access.sql` has the same
for PostgreSQL. Django changes a table of SQLite by making it anew: triggers of other tables hinder that, and those of
its own do not survive it. So they are declared, and every `migrate` drops them first and creates them last; see
`compliance.models.guards`.
"""

from __future__ import annotations

from compliance.models.guards import declare_sqlite

_ADVANCE = "UPDATE chat_room SET revision = revision + 1 WHERE id IN ({})"
_MEMBERS = """WHEN NEW.left_at IS NULL
    AND (SELECT is_active AND NOT is_guest FROM chat_user WHERE id = NEW.user_id) = 0
BEGIN SELECT RAISE(ABORT, 'only members with a live account are inside a closed room'); END"""
_SUIT = """WHEN (NEW.sealed IS NOT NULL AND (SELECT kind FROM chat_room WHERE id = NEW.room_id) = 'open')
    OR (NEW.body IS NOT NULL AND (SELECT kind FROM chat_room WHERE id = NEW.room_id) = 'closed'{})
BEGIN SELECT RAISE(ABORT, 'words are plain in open rooms, and new ones sealed in closed rooms'); END"""
# REPLACE deletes rows without firing a delete trigger. So an insert counts as a change here, too.
_SQLITE = {
    "room_changes": """AFTER UPDATE OF kind, feature, slug, ended_at ON chat_room
WHEN OLD.kind <> NEW.kind OR OLD.feature <> NEW.feature OR OLD.slug IS NOT NEW.slug OR OLD.ended_at IS NOT NEW.ended_at
BEGIN UPDATE chat_room SET revision = max(OLD.revision, NEW.revision) + 1 WHERE id = NEW.id; END""",
    "room_goes_on": """AFTER UPDATE OF revision ON chat_room WHEN NEW.revision < OLD.revision
BEGIN UPDATE chat_room SET revision = max(revision, OLD.revision) WHERE id = NEW.id; END""",
    "participant_comes": f"AFTER INSERT ON chat_participant BEGIN {_ADVANCE.format('NEW.room_id')}; END",
    "participant_changes": f"""AFTER UPDATE OF room_id, user_id, left_at ON chat_participant
WHEN OLD.room_id <> NEW.room_id OR OLD.user_id <> NEW.user_id OR OLD.left_at IS NOT NEW.left_at
BEGIN {_ADVANCE.format("OLD.room_id, NEW.room_id")}; END""",
    "participant_goes": f"AFTER DELETE ON chat_participant BEGIN {_ADVANCE.format('OLD.room_id')}; END",
    "account_leaves": """AFTER UPDATE OF is_active, is_guest ON chat_user
WHEN NEW.is_active < OLD.is_active OR NEW.is_guest > OLD.is_guest
BEGIN UPDATE chat_participant SET left_at = strftime('%Y-%m-%d %H:%M:%f000', 'now')
WHERE user_id = NEW.id AND left_at IS NULL; END""",
    "participant_is_member": f"BEFORE INSERT ON chat_participant {_MEMBERS}",
    "participant_stays_member": f"BEFORE UPDATE OF user_id, left_at ON chat_participant {_MEMBERS}",
    "words_suit_their_room": f"BEFORE INSERT ON chat_message {_SUIT.format('')}",
    "words_go_on_to_suit": "BEFORE UPDATE OF room_id, body, sealed ON chat_message "
    + _SUIT.format(" AND (OLD.body IS NOT NEW.body OR OLD.room_id <> NEW.room_id)"),
}


def declare_sqlite_triggers() -> None:
    """Have every `migrate` drop these triggers first and create them last, as it does with the guards."""
    declare_sqlite(_SQLITE)
