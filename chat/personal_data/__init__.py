"""Personal data: what a person may take along, and what goes when they leave. Capabilities register their parts."""

from chat.personal_data.erasure import By, NotErasable, erase, faults
from chat.personal_data.export import Export, export
from chat.personal_data.held import copies_due, reseal_copies
from chat.personal_data.registry import (
    PARTS,
    Column,
    Fate,
    Keeping,
    Leaving,
    Link,
    Part,
    Reader,
    Section,
    Type,
    Word,
    keep_words,
    register,
)

__all__ = [
    "PARTS",
    "By",
    "Column",
    "Export",
    "Fate",
    "Keeping",
    "Leaving",
    "Link",
    "NotErasable",
    "Part",
    "Reader",
    "Section",
    "Type",
    "Word",
    "copies_due",
    "erase",
    "export",
    "faults",
    "keep_words",
    "register",
    "reseal_copies",
]
