"""Clause versions: the library as rows, and which version each agreement uses."""

from dataclasses import dataclass
from datetime import UTC, datetime

from django.db import transaction
from django.db.models import Prefetch, prefetch_related_objects

from licensing.agreements import agreements
from licensing.agreements.clauses import clause_library
from licensing.agreements.clauses.clause_library import Deal, LibraryClause
from licensing.agreements.clauses.wording import ClauseIsBroken
from licensing.models import Agreement, AgreementClause, Clause
from licensing.models.documents import OWN
from licensing.words import AgreementStatus
from talent.errors import Refused
from talent.models import Agency, User

NEVER = datetime.max.replace(tzinfo=UTC)  # of a version that no row has yet


class KeepsItsClauses(Refused):
    """Only a draft takes other clauses; a signed agreement keeps those it was signed with."""

    code = "keeps_its_clauses"


class ClauseIsRequired(Refused):
    """A clause that the deal needs is not left out."""

    code = "clause_is_required"


@dataclass(frozen=True, slots=True)
class Chosen:
    """A clause of an agreement: the version it uses, and the newest where that is another."""

    row: Clause
    newest: Clause
    clause: LibraryClause

    @property
    def has_newer(self) -> bool:
        return self.newest.version > self.row.version


@transaction.atomic
def load_library(*, at: datetime) -> int:
    """Store what the files have and the database has not; return how many versions are new.

    Raises ClauseIsBroken for a version whose words differ from those stored: its words never
    change, other words are another version.
    """
    kept = {(row.code, row.version): row for row in Clause.objects.filter(agency=None)}
    new = []
    for clause in clause_library.read_library():
        row = kept.get((clause.code, clause.version))
        if row is None:
            new.append(_row_of(clause, at))
        elif _clause_of(row) != clause:
            raise ClauseIsBroken(
                f"{clause.code}, version {clause.version}, differs from what was published. Give "
                "the new words a version of their own."
            )
    return len(Clause.objects.bulk_create(new))


def publish(
    *,
    agency: Agency,
    code: str,
    section: str,
    title: str,
    body: str,
    gloss: str,
    applies: dict[str, list[str]],
    required: bool,
    in_use: bool,
    at: datetime,
    by: User | None,
) -> Clause:
    """Publish a clause of an agency's own, or the next version of one.

    Raises ClauseIsBroken, with the place, for wording with anything but words and known terms.
    """
    where = f"“{title}”"
    clause_library.check(body, where=where)
    clause_library.applies_of(applies, where=where)
    code = code if code.startswith(OWN) else OWN + code
    before = Clause.objects.filter(agency=agency, code=code).order_by("-version").first()
    return Clause.objects.create(
        agency=agency, code=code, version=before.version + 1 if before else 1, section=section,
        title=title, body=body, gloss=gloss, applies=applies, required=required, in_use=in_use,
        source=agency.name, published_at=at, published_by=by,
    )  # fmt: skip


def chosen(agreement: Agreement, deal: Deal) -> list[Chosen]:
    """Return the clauses of an agreement in their order, each in the version that it uses.

    What the agreement has not used before is taken in the newest version. Two queries.
    """
    pinned = {row.code: row for row in _pinned(agreement)}
    newest = {row.code: row for row in _versions(agreement.agency_id)}
    rows = {
        code: pinned[code].clause if code in pinned else row
        for code, row in newest.items()
        if code in pinned or row.in_use
    }
    offered = {code: _clause_of(row) for code, row in rows.items()}
    left_out = [code for code, row in pinned.items() if row.left_out]
    return [
        Chosen(rows[clause.code], newest[clause.code], clause)
        for clause in clause_library.chosen(deal, list(offered.values()), left_out=left_out)
    ]


def of_another_tier(agreement: Agreement, tier: str) -> list[Clause]:
    """Return the clauses that an agreement holds and that are about twins of another tier.

    No query after `chosen`.
    """
    return [
        row.clause
        for row in sorted(_pinned(agreement), key=lambda row: row.code)
        if not row.left_out and tier not in row.clause.applies.get("tiers", [tier])
    ]


def _pinned(agreement: Agreement) -> list[AgreementClause]:
    """Return the versions that an agreement uses, read once."""
    rows = AgreementClause.objects.select_related("clause")
    prefetch_related_objects([agreement], Prefetch("clauses", rows))
    return list(agreement.clauses.all())


def _versions(agency_id: int) -> list[Clause]:
    """Return every version that an agency may use, the newest of a code last.

    What the files have and no row does yet is among them, unsaved.
    """
    rows = list(Clause.objects.offered_to(agency_id).defer("published_by"))
    stored = {(row.code, row.version) for row in rows}
    rows += [
        _row_of(clause, NEVER)
        for clause in clause_library.read_library()
        if (clause.code, clause.version) not in stored
    ]
    return sorted(rows, key=lambda row: (row.code, row.version))


def keep(agreement: Agreement, clauses: list[Chosen], *, at: datetime) -> None:
    """Have an agreement keep the versions that its document is drawn with."""
    if any(one.row.pk is None for one in clauses):
        load_library(at=at)
    wanted = {(one.row.code, one.row.version) for one in clauses}
    rows = Clause.objects.offered_to(agreement.agency_id).values_list("pk", "code", "version")
    AgreementClause.objects.bulk_create(
        [
            AgreementClause(agreement=agreement, code=code, clause_id=pk)
            for pk, code, version in rows
            if (code, version) in wanted
        ],
        ignore_conflicts=True,
    )


@transaction.atomic
def take_newer(*, agreement: Agreement, at: datetime, code: str = "") -> int:
    """Have a draft use the newest version of a clause, or of each; return how many changed.

    Clauses about twins of another tier are dropped. Raises KeepsItsClauses.
    """
    locked = _locked_draft(agreement)
    load_library(at=at)
    others = [clause.pk for clause in of_another_tier(locked, locked.twin.tier)]
    pinned = locked.clauses.select_related("clause")
    changed, _by_model = pinned.filter(clause__in=others).delete()
    for row in pinned.filter(code=code) if code else pinned:
        newest = (
            Clause.objects.offered_to(locked.agency_id)
            .filter(code=row.code, in_use=True)
            .order_by("-version")
            .first()
        )
        if newest is not None and newest.pk != row.clause_id:
            row.clause = newest
            row.save(update_fields=["clause"])
            changed += 1
    return changed


@transaction.atomic
def leave_out(*, agreement: Agreement, clause: Clause, left_out: bool) -> None:
    """Leave an optional clause out of a draft, or take it in again.

    Raises KeepsItsClauses, ClauseIsRequired.
    """
    locked = _locked_draft(agreement)
    if left_out and clause.required:
        raise ClauseIsRequired(f"“{clause.title}” is needed, and stays.")
    AgreementClause.objects.update_or_create(
        agreement=locked, code=clause.code, defaults={"clause": clause, "left_out": left_out}
    )


def _locked_draft(agreement: Agreement) -> Agreement:
    locked = agreements.lock(agreement)
    if locked.status != AgreementStatus.DRAFT:
        raise KeepsItsClauses(
            f"{locked.reference} is signed: it keeps the clauses it was signed with. Ask for an "
            "amendment of its terms."
        )
    return locked


def _row_of(clause: LibraryClause, at: datetime) -> Clause:
    return Clause(
        code=clause.code, version=clause.version, section=clause.section, title=clause.title,
        body=clause.body, gloss=clause.gloss, applies=clause.applies.as_json(),
        required=clause.required, mirrors=list(clause.mirrors), source=clause.source,
        published_at=at,
    )  # fmt: skip


def _clause_of(row: Clause) -> LibraryClause:
    return LibraryClause(
        code=row.code, version=row.version, section=row.section, title=row.title, body=row.body,
        gloss=row.gloss, applies=clause_library.applies_of(row.applies, where=row.code),
        required=row.required, mirrors=tuple(row.mirrors), source=row.source,
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Newer:
    """A clause of which a version newer than the agreement's own was published."""

    code: str
    title: str
    own: int
    newest: int


def with_newer(agreement: Agreement) -> list[Newer]:
    """Return the clauses of an agreement of which a newer version is offered. Two queries."""
    newest = {row.code: row for row in _versions(agreement.agency_id) if row.in_use}
    return [
        Newer(row.code, newest[row.code].title, row.clause.version, newest[row.code].version)
        for row in agreement.clauses.select_related("clause").order_by("code")
        if row.code in newest and newest[row.code].version > row.clause.version
    ]
