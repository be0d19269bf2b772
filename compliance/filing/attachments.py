"""The documents that go with a notification (添付書類)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from compliance import law
from compliance.filing.applicant import ApplicantKind
from compliance.language import current_language


@dataclass(frozen=True, slots=True)
class AttachedDocument:
    """One document that goes with the notification."""

    ja: str
    en: str
    article: str
    ours: bool = False
    """It is one of the drafts that this package writes."""

    @property
    def cited(self) -> str:
        """The article that requires it, in the language of the request."""
        return law.cite_all([self.article], current_language())


_ALWAYS: Final = (
    AttachedDocument("ネットワーク構成図（様式第3）", "Network diagram (form 3)", "REG 9(1)(i)", ours=True),
    AttachedDocument("提供する電気通信役務（様式第4）", "Services offered (form 4)", "REG 9(1)(ii)", ours=True),
)
_BY_KIND: Final[Mapping[ApplicantKind, tuple[AttachedDocument, ...]]] = MappingProxyType(
    {
        ApplicantKind.person: (
            AttachedDocument(
                "住民票の写し、またはこれに相当する書類",
                "Copy of the resident record (住民票の写し), or an equivalent",
                "REG 9(1)(vi)",
            ),
        ),
        ApplicantKind.company: (
            AttachedDocument(
                "定款、またはこれに相当する書類", "Articles of incorporation, or an equivalent", "REG 9(1)(iii)"
            ),
            AttachedDocument(
                "登記事項証明書、またはこれに相当する書類",
                "Certificate of registered matters (登記事項証明書), or an equivalent",
                "REG 9(1)(iii)",
            ),
        ),
        ApplicantKind.founding: (
            AttachedDocument(
                "定款、またはこれに相当する書類", "Articles of incorporation, or an equivalent", "REG 9(1)(iv)"
            ),
            AttachedDocument(
                "発起人、社員または設立者の名簿", "List of the promoters, members or founders", "REG 9(1)(iv)"
            ),
            AttachedDocument(
                "発起人、社員または設立者の住民票の写し、またはこれに相当する書類",
                "Their resident records (住民票の写し), or equivalents",
                "REG 9(1)(iv)",
            ),
        ),
        ApplicantKind.body: (
            AttachedDocument(
                "定款、規約など、団体の目的・組織・運営を明らかにする書類",
                "Rules or the like, that show the body's purpose, organisation and running",
                "REG 9(1)(v)",
            ),
            AttachedDocument("役員の名簿", "List of officers", "REG 9(1)(v)"),
            AttachedDocument(
                "役員の住民票の写し、またはこれに相当する書類",
                "The officers' resident records (住民票の写し), or equivalents",
                "REG 9(1)(v)",
            ),
        ),
        ApplicantKind.government: (
            AttachedDocument(
                "営利を目的としない電気通信事業を行うことを示す書類",
                "A paper that shows that the business is not for gain",
                "REG 60-2(1)(iii)",
            ),
        ),
    }
)
_AGENT_COMPANY: Final = AttachedDocument(
    "国内代表者等（法人）の登記事項証明書",
    "Certificate of registered matters of the representative in Japan, a company",
    "REG 9(1)(vii)",
)
_AGENT_PERSON: Final = AttachedDocument(
    "国内代表者等（個人）の住民票の写し", "Resident record of the representative in Japan, a person", "REG 9(1)(vii)"
)
_AUTHORITY: Final = AttachedDocument(
    "国内代表者等に通知を受ける権限を与えたことを証する書類（様式第2の2）",
    "Proof that the representative in Japan may receive notices (form 2-2)",
    "REG 9(1)(viii)",
)
_TRANSLATION: Final = AttachedDocument(
    "日本語で書けない書類には訳文（英語の定款は概要の訳文で足ります）",
    "A translation of each paper that cannot be in Japanese; of articles in English a summary is enough",
    "REG 72",
)


def attached_documents(
    kind: ApplicantKind | None, *, abroad: bool | None, agent_is_company: bool | None
) -> tuple[AttachedDocument, ...]:
    """Return the papers that go with the notification (REG 9(1), 60-2(1)); what is not known yet adds nothing.

    Nothing is pledged and no fee is paid: the pledge of form 2 belongs to Article 9, and Article 174 names no fee.
    """
    papers = [*_ALWAYS, *(_BY_KIND[kind] if kind else ())]
    if abroad:
        agents = {True: (_AGENT_COMPANY,), False: (_AGENT_PERSON,), None: (_AGENT_COMPANY, _AGENT_PERSON)}
        papers += [*agents[agent_is_company], _AUTHORITY, _TRANSLATION]
    return tuple(papers)
