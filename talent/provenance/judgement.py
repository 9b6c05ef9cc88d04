"""Whether a build is provably clean: each thing that stands behind it judged, with the path.

Yes is what is proved for every leaf; no is what speaks against one; what nobody recorded is not
known, and so is the answer.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from talent.words import Answer, DataPurpose, DataSplit, LicenceBasis, LineageKind, ManifestFinding

EXAMPLES = 5
NONE, ALL = Decimal(0), Decimal(1)

Shares = Mapping[int, Mapping[int, Decimal | None]]


@dataclass(frozen=True, slots=True)
class FileFacts:
    """A file of a dataset. `size` in bytes; `vault_sha256` None: it is not in the vault.

    `consented` says whether consent covered training when it was trained, True where none is
    needed, None where it was recorded only afterwards. One `set_aside` to validate or to test was
    not read, as its trainer signed: the build does not rest on it. `vault_trains` says whether the
    vault lets it be read to train.
    """

    path: str
    sha256: str
    size: int
    split: str
    owner: str
    basis: str
    purposes: frozenset[str]
    consented: bool | None
    names_consent: bool
    vault_sha256: str | None = None
    vault_trains: bool = True
    set_aside: bool = False


@dataclass(frozen=True, slots=True)
class TaintFacts:
    """A contamination of a node that counts; `paths` are the files it is about (None: all)."""

    id: int
    cause: str
    reason: str
    paths: frozenset[str] | None = None


@dataclass(frozen=True, slots=True)
class NodeFacts:
    """A node with what is known of it. A build's `manifest` None: its training is not closed."""

    id: int
    kind: str
    name: str
    files: tuple[FileFacts, ...] = ()
    taints: tuple[TaintFacts, ...] = ()
    manifest: str | None = None
    read_training_only: bool = False
    registered: bool = False
    captured: frozenset[str] | None = None


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is not proved: where, what, by which path, and what would make it yes.

    `path` are the ids of nodes from there to the build; `files` how many it is about, of which
    `examples` are the first.
    """

    answer: Answer
    code: str
    node: int
    text: str
    remedy: str
    path: tuple[int, ...]
    files: int = 0
    examples: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Judgement:
    """The answer on a build, what stands against it, and which share each contamination has.

    `shares` go by contamination; None: a share on the way is not known.
    """

    answer: Answer
    findings: tuple[Finding, ...]
    shares: Mapping[int, Decimal | None]


def judge(build: int, nodes: Mapping[int, NodeFacts], sources: Shares) -> Judgement:
    """Judge a build by all nodes behind it; `sources` are what each is made from, with shares."""
    ways = shortest_ways(build, sources)
    findings = [
        finding for pk in sorted(nodes) for finding in _findings_of(nodes[pk], ways[pk], sources)
    ]
    findings.sort(key=lambda finding: (finding.answer != Answer.NO, len(finding.path)))
    answers = {finding.answer for finding in findings}
    worst = (one for one in (Answer.NO, Answer.UNKNOWN) if one in answers)
    shares = {
        taint.id: share_in(build, node, taint, sources)
        for node in nodes.values()
        for taint in node.taints
    }
    return Judgement(next(worst, Answer.YES), tuple(findings), shares)


def shortest_ways(build: int, sources: Shares) -> dict[int, tuple[int, ...]]:
    """Return by node the shortest way from it to the build, as ids."""
    ways: dict[int, tuple[int, ...]] = {build: (build,)}
    waiting = deque([build])
    while waiting:
        node = waiting.popleft()
        for source in sources.get(node, {}):
            if source not in ways:
                ways[source] = (source, *ways[node])
                waiting.append(source)
    return ways


def trained_into(
    builds: Iterable[int], nodes: Mapping[int, NodeFacts], sources: Shares
) -> dict[int, set[int]]:
    """Return by dataset the builds that were trained on it, not those tuned from these."""
    found: dict[int, set[int]] = {}
    for build in builds:
        waiting, seen = list(sources.get(build, {})), set[int]()
        while waiting:
            node = waiting.pop()
            if node in seen or nodes[node].kind != LineageKind.DATASET:
                continue
            seen.add(node)
            found.setdefault(node, set()).add(build)
            waiting.extend(sources.get(node, {}))
    return found


def share_in(build: int, node: NodeFacts, taint: TaintFacts, sources: Shares) -> Decimal | None:
    """Return which share of a build's data a contamination of a node is; None: not known.

    A share goes by the bytes of training files in a dataset, and by the shares of the edges.
    """
    known: dict[int, Decimal | None] = {node.id: _share_of_files(node, taint)}
    for pk in _sources_first(build, sources):
        if pk != node.id:
            known[pk] = _mixed(sources.get(pk, {}), known)
    return known.get(build, NONE)


def _mixed(
    made_from: Mapping[int, Decimal | None], known: Mapping[int, Decimal | None]
) -> Decimal | None:
    total = NONE
    for source, share in made_from.items():
        part = known.get(source, NONE)
        if part == NONE:
            continue
        if part is None or share is None:
            return None
        total += part * share
    return min(total, ALL)


def _sources_first(build: int, sources: Shares) -> list[int]:
    """Return all nodes behind a build, each after what it is made from."""
    order: list[int] = []
    seen: set[int] = set()
    waiting = [(build, False)]
    while waiting:
        node, is_through = waiting.pop()
        if is_through:
            order.append(node)
        elif node not in seen:
            seen.add(node)
            waiting.append((node, True))
            waiting.extend((source, False) for source in sources.get(node, {}))
    return order


def _share_of_files(node: NodeFacts, taint: TaintFacts) -> Decimal | None:
    if taint.paths is None or not node.files:
        return ALL
    trained = [file for file in node.files if file.split == DataSplit.TRAIN]
    total = sum(file.size for file in trained)
    bad = sum(file.size for file in trained if file.path in taint.paths)
    return Decimal(bad) / Decimal(total) if total else None


# What is wrong with one node


def _findings_of(node: NodeFacts, way: tuple[int, ...], sources: Shares) -> Iterator[Finding]:
    for taint in node.taints:
        yield Finding(
            Answer.NO, "contaminated", node.id, f"{node.name} is contaminated: {taint.reason}",
            "train a new build without it, or have the contamination cleared by two people", way,
            *_shown(sorted(taint.paths or ())),
        )  # fmt: skip
    match node.kind:
        case LineageKind.BUILD:
            yield from _of_build(node, way, sources)
        case LineageKind.DATASET:
            yield from _of_dataset(node, way, sources)
        case LineageKind.CAPTURE:
            yield from _of_capture(node, way)
        case LineageKind.OUTPUT if not sources.get(node.id):
            text = f"{node.name}: from which build it came is not recorded"
            yield Finding(Answer.UNKNOWN, "no_build", node.id, text, "record its build", way)


def _of_build(node: NodeFacts, way: tuple[int, ...], sources: Shares) -> Iterator[Finding]:
    def unknown(code: str, text: str, remedy: str) -> Finding:
        return Finding(Answer.UNKNOWN, code, node.id, f"{node.name}: {text}", remedy, way)

    if not sources.get(node.id):
        yield unknown("no_data", "from what it was trained is not recorded", "record its datasets")
    if not node.registered:
        yield unknown(
            "not_registered", "its training was not registered before it began",
            "train anew, registered before",
        )  # fmt: skip
    elif node.manifest is None:
        yield unknown(
            "no_manifest", "its trainer has not said what was read", "hand in the signed manifest"
        )
    elif node.manifest == ManifestFinding.NOT_SIGNED:
        yield unknown(
            "manifest_not_signed", "no known key signed the trainer's manifest",
            "have the trainer sign it with a registered key",
        )  # fmt: skip


def _of_capture(node: NodeFacts, way: tuple[int, ...]) -> Iterator[Finding]:
    if node.captured is None:
        text = f"{node.name}: whose it is, and for what, is not recorded"
        yield Finding(Answer.UNKNOWN, "not_described", node.id, text, "record the capture", way)
    elif DataPurpose.TRAIN not in node.captured:
        yield Finding(
            Answer.NO, "capture_not_for_training", node.id,
            f"{node.name} may not be used to train", "train a new build without it", way,
        )  # fmt: skip


def _of_dataset(node: NodeFacts, way: tuple[int, ...], sources: Shares) -> Iterator[Finding]:
    if not node.files and not sources.get(node.id):
        text = f"{node.name}: which files it holds is not recorded"
        yield Finding(Answer.UNKNOWN, "no_files", node.id, text, "record its manifest", way)
    read = [file for file in node.files if not file.set_aside]
    for answer, code, text, remedy, is_so in _CHECKS:
        bad = [file.path for file in read if is_so(file)]
        if bad:
            yield Finding(answer, code, node.id, f"{node.name}: {text}", remedy, way, *_shown(bad))


def _shown(paths: Sequence[str]) -> tuple[int, tuple[str, ...]]:
    return len(paths), tuple(paths[:EXAMPLES])


Check = tuple[Answer, str, str, str, Callable[[FileFacts], bool]]

# In the order in which they are told.
_CHECKS: tuple[Check, ...] = (
    (
        Answer.NO, "not_consented", "consent did not cover training when it was trained",
        "train a new build once they consent to training",
        lambda file: file.consented is False,
    ),
    (
        Answer.NO, "not_for_training", "its purposes do not include training",
        "have its owner permit training, and train a new build",
        lambda file: bool(file.purposes) and DataPurpose.TRAIN not in file.purposes,
    ),
    (
        Answer.NO, "vault_not_for_training", "the vault does not let it be read to train a model",
        "train a new build without it",
        lambda file: not file.vault_trains,
    ),
    (
        Answer.NO, "other_hash", "the vault holds another file than the manifest says",
        "find out which of them was trained on",
        lambda file: bool(file.vault_sha256) and file.vault_sha256 != file.sha256,
    ),
    (
        Answer.UNKNOWN, "consented_later", "consent to training was recorded only afterwards",
        "record who consented when, with its evidence",
        lambda file: file.consented is None,
    ),
    (
        Answer.UNKNOWN, "no_purpose", "for what it may be used is not recorded",
        "record a version of the dataset that says so",
        lambda file: not file.purposes,
    ),
    (
        Answer.UNKNOWN, "no_owner", "whose it is is not recorded",
        "record a version of the dataset that says so",
        lambda file: not file.owner,
    ),
    (
        Answer.UNKNOWN, "no_basis", "by what right it is used is not recorded",
        "record a version of the dataset that says so",
        lambda file: file.basis == LicenceBasis.UNKNOWN,
    ),
    (
        Answer.UNKNOWN, "no_consent_named", "it rests on a consent that is not named",
        "record a version of the dataset that names it",
        lambda file: file.basis == LicenceBasis.CONSENT and not file.names_consent,
    ),
    (
        Answer.UNKNOWN, "not_proven", "the vault has not read it back whole",
        "have the vault read it back",
        lambda file: file.vault_sha256 == "",
    ),
)  # fmt: skip
