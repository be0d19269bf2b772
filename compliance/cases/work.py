"""Works on a case: its files, its letters, its clocks."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import TYPE_CHECKING, Any, Final

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import UploadedFile
from django.core.mail import EmailMessage
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from compliance.cases.register import locked
from compliance.law import papers
from compliance.models import Case, CasePaper, Letter
from compliance.records import Event, evidence, ledger

if TYPE_CHECKING:
    from django.contrib.auth.base_user import AbstractBaseUser

MOST_PAPERS: Final = 30
_WHOEVER: Final = {"ja": "お申出の方へ", "en": "To whoever sent the request"}
"""To whom a mail goes that the service sends by itself."""


def add_paper(*, case: Case, upload: UploadedFile[Any], actor: AbstractBaseUser | None) -> CasePaper:
    """Keep a file of a case by its hash.

    Raises:
        ValidationError: see `evidence.store`; or the case is closed or has its most files.
    """
    with transaction.atomic():
        row = locked(case)
        if row.papers.count() >= MOST_PAPERS:
            raise ValidationError(_("A case has at most %(most)d files.") % {"most": MOST_PAPERS})
        stored = evidence.store(upload)
        paper, _made = CasePaper.objects.get_or_create(
            case=row,
            sha256=stored.sha256,
            defaults={
                "name": stored.name,
                "size": stored.size,
                "type": stored.type,
                "added_by_id": actor.pk if actor else None,
            },
        )
        ledger.append(
            Event.CASE_CHANGED, actor=actor, payload={"case": str(row.pk), "what": "paper", "sha256": stored.sha256}
        )
    return paper


def issue_letter(*, case: Case, key: str, fields: dict[str, str], actor: AbstractBaseUser | None) -> Letter:
    """Write a letter of a case and keep it as it is. What goes by mail is sent once the transaction is through.

    What goes by mail is in the language in which its receiver wrote; every other letter is in Japanese.

    Args:
        case: an open one.
        key: of one of its kind's letters.
        fields: what the letter asks its writer for.
        actor: the staff account; None where the service confirms a request.

    Raises:
        ValidationError: a field is empty, or the case is closed.
    """
    form = next(each for each in papers.LETTERS[papers.Kind(case.kind)] if each.key == key)
    if lacking := [name for name in form.asks if not fields.get(name, "").strip()]:
        raise ValidationError(dict.fromkeys(lacking, _("This letter needs it.")))
    standing = settings.STANDING
    with transaction.atomic():
        row = locked(case)
        mailed = form.by_mail and bool(row.contact)
        language = row.language if form.by_mail else "ja"
        text = form.written(
            language,
            date=_day(timezone.localdate(), language),
            # Whoever sends the form chooses the name as they choose the address: to a stranger it would be any words.
            to=row.sender if actor else _WHOEVER[language],
            operator=standing.operator_name,
            address=standing.operator_address,
            contact=standing.operator_contact,
            their_date=_day(row.dated_on or row.received_on, language),
            their_number=row.reference or "（番号なし）",
            case=row.name,
            **{name: fields[name].strip() for name in form.asks},
        )
        letter = Letter.objects.create(
            case=row,
            key=key,
            text=text,
            issued_by_id=actor.pk if actor else None,
            mailed_at=timezone.now() if mailed else None,
        )
        ledger.append(Event.LETTER_ISSUED, actor=actor, payload={"case": str(row.pk), "letter": str(letter.pk)})
        if mailed:
            subject = f"{form.title.en} ({row.name})" if language == "en" else f"{form.title.ja}（{row.name}）"
            mail = EmailMessage(subject, text, to=[row.contact])
            transaction.on_commit(lambda: mail.send(fail_silently=True), robust=True)
    return letter


def _day(day: date, language: str) -> str:
    return f"{day:%d %B %Y}".lstrip("0") if language == "en" else f"{day.year}年{day.month}月{day.day}日"


def mark_done(*, case: Case, clock: str, actor: AbstractBaseUser) -> None:
    """Record that what a clock asks for was done today.

    Raises:
        ValidationError: the case is closed.
    """
    with transaction.atomic():
        row = locked(case)
        row.done = {**row.done, clock: timezone.localdate().isoformat()}
        row.save(update_fields=["done"])
        ledger.append(Event.CASE_CHANGED, actor=actor, payload={"case": str(row.pk), "what": f"done:{clock}"})


def clocks(case: Case) -> tuple[papers.Due, ...]:
    """Return the clocks of a case that run, done or not, by day."""
    facts = papers.Facts(case.received_on, case.named_on, case.asked_on, case.ordered_on, papers.Variant(case.variant))
    return papers.clocks_of(papers.Kind(case.kind), facts)


def kept_its_days(case: Case) -> bool:
    """Return whether all that had a last day in an ended case was done by it, or the case ended by it."""
    assert case.closed_at is not None
    ended = timezone.localdate(case.closed_at)
    days = [due for due in clocks(case) if due.clock.term.has_last_day]
    return all(due.on >= date.fromisoformat(case.done.get(due.clock.key, ended.isoformat())) for due in days)


def open_clocks() -> Iterator[tuple[Case, papers.Due]]:
    """Yield what is still to be done in the open cases."""
    for case in Case.objects.filter(closed_at__isnull=True):
        for due in clocks(case):
            if due.clock.key not in case.done:
                yield case, due
