"""Keeps the files that prove what was signed: by their SHA-256, outside the web root, never overwritten."""

from __future__ import annotations

import hashlib
import os
import re
import tempfile
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path, PurePath
from types import MappingProxyType
from typing import Any, Final

from django.conf import settings
from django.core.exceptions import SuspiciousFileOperation, ValidationError
from django.core.files.uploadedfile import UploadedFile
from django.utils.text import get_valid_filename
from django.utils.translation import gettext as _

MOST_BYTES: Final = 10 * 1024 * 1024
MOST_FILES: Final = 10
_NAME_CHARS: Final = 100
_DIGEST: Final = re.compile(r"[0-9a-f]{64}")


def _text(start: bytes | bytearray) -> bool:
    return b"\0" not in start


TYPES: Final[Mapping[str, tuple[str, bytes]]] = MappingProxyType(
    {
        ".pdf": ("application/pdf", b"%PDF-"),
        ".png": ("image/png", b"\x89PNG\r\n\x1a\n"),
        ".jpg": ("image/jpeg", b"\xff\xd8\xff"),
        ".jpeg": ("image/jpeg", b"\xff\xd8\xff"),
        ".txt": ("text/plain", b""),
        ".csv": ("text/csv", b""),
        ".eml": ("message/rfc822", b""),
    }
)
"""The kinds that are taken, by ending: media type, and the bytes that such a file begins with (none for text)."""


class Missing(Exception):
    """The file is not there, or is no longer what was signed. Its text says which."""


@dataclass(frozen=True, slots=True)
class Attachment:
    """A stored file as the signature's evidence lists it: name, SHA-256 (hex), bytes, media type."""

    name: str
    sha256: str
    size: int
    type: str

    def as_evidence(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return asdict(self)


def attachments(recorded: Mapping[str, Any]) -> list[Attachment]:
    """Return the files that a signature's evidence lists; what is not understood is left out."""
    listed = recorded.get("files") or ()
    fields = {"name", "sha256", "size", "type"}
    return [Attachment(**entry) for entry in listed if isinstance(entry, dict) and set(entry) == fields]


def store(upload: UploadedFile[Any]) -> Attachment:
    """Check a file and keep it under its hash. The same bytes are stored once.

    Raises:
        ValidationError: too large, empty, of another kind, or not what its ending says.
    """
    name = _clean_name(upload.name or "")
    kind, magic = TYPES.get(PurePath(name).suffix.lower(), ("", b""))
    if not kind:
        raise ValidationError(
            _("%(name)s: only these kinds are taken: %(kinds)s.")
            % {"name": name, "kinds": ", ".join(ending[1:] for ending in TYPES)}
        )
    # The browser's word on the size is not taken: the bytes are counted while they are read.
    content = bytearray()
    for chunk in upload.chunks():
        content += chunk
        if len(content) > MOST_BYTES:
            raise ValidationError(
                _("%(name)s is larger than %(most)d MB.") % {"name": name, "most": MOST_BYTES // 1024 // 1024}
            )
    if not content:
        raise ValidationError(_("%(name)s is empty.") % {"name": name})
    if not content.startswith(magic) or (not magic and not _text(content)):
        raise ValidationError(_("%(name)s is not what its ending says.") % {"name": name})
    return Attachment(name, keep(bytes(content)), len(content), kind)


def keep(content: bytes) -> str:
    """Keep bytes under their hash. The same bytes are stored once.

    Returns:
        their SHA-256 (hex).
    """
    digest = hashlib.sha256(content).hexdigest()
    _write(_place(digest), content)
    return digest


def read(attachment: Attachment) -> bytes:
    """Return the bytes of a stored file.

    Raises:
        Missing: it is gone, or its bytes no longer have the hash that was signed.
    """
    try:
        content = _place(attachment.sha256).read_bytes()
    except OSError:
        raise Missing(_("The file is no longer in the store.")) from None
    if hashlib.sha256(content).hexdigest() != attachment.sha256:
        raise Missing(_("The file in the store is not the one that was signed: its hash differs."))
    return content


def erase(sha256: str) -> None:
    """Erase the file of a hash. The caller knows that nothing that is kept names it."""
    _place(sha256).unlink(missing_ok=True)


def present(files: Iterable[Attachment]) -> list[tuple[Attachment, bool]]:
    """Say of each file whether the store still has one of that hash's name."""
    return [(each, _place(each.sha256).is_file()) for each in files]


def _place(digest: str) -> Path:
    if not _DIGEST.fullmatch(digest):
        raise Missing(_("The file is no longer in the store."))
    root: Path = settings.EVIDENCE_ROOT
    return root / digest[:2] / digest


def _clean_name(name: str) -> str:
    with suppress(SuspiciousFileOperation):
        clean = PurePath(get_valid_filename(PurePath(name).name))
        return clean.stem[:_NAME_CHARS] + clean.suffix[:_NAME_CHARS]
    return "file"


def _write(place: Path, content: bytes) -> None:
    place.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with tempfile.NamedTemporaryFile(dir=place.parent, delete=False) as draft:  # readable by its owner only
        draft.write(content)
        draft.flush()
        os.fsync(draft.fileno())
    Path(draft.name).replace(place)
