"""A programme solved by HiGHS, which is imported when something is solved: it takes its time."""

from collections.abc import Callable, Mapping, Set
from dataclasses import dataclass, replace
from decimal import Decimal
from math import floor, inf
from typing import TYPE_CHECKING, Any

import numpy as np

from talent.errors import Refused

from .programme import Programme, Row

if TYPE_CHECKING:
    import highspy

GAP_OF_A_PROOF = 1e-9
INTEGRAL = 0.5
NOTHING_LIFTED: frozenset[str] = frozenset()


class NothingFound(Refused):
    """The search ended before it found any assignment, or proved that there is none."""

    code = "nothing_found"


@dataclass(frozen=True, slots=True)
class Effort:
    """How far to search: branch-and-bound nodes, seconds (None: any), the gap that is enough.

    With nodes alone the same programme and seed give the same answer; seconds depend on the
    machine. The gap is a share of the cost: 0.005 is half a percent.
    """

    nodes: int = 20_000
    seconds: float | None = None
    gap: float = 0.0
    seed: int = 0

    def shared_by(self, searches: int) -> "Effort":
        """Return each one's share of nodes and seconds, so that all together keep to these."""
        parts = max(searches, 1)
        seconds = None if self.seconds is None else self.seconds / parts
        return replace(self, nodes=max(self.nodes // parts, 1), seconds=seconds)


@dataclass(frozen=True, slots=True)
class Solution:
    """Which columns are chosen, what they cost, and what any assignment costs at least (cents)."""

    chosen: tuple[int, ...]
    cost: int
    bound: int
    nodes: int

    @property
    def gap(self) -> float:
        """How much better another one may be, as a share of the cost."""
        return (self.cost - self.bound) / max(abs(self.cost), 1)


@dataclass(frozen=True, slots=True)
class SolvingProgress:
    """How far the solver is: the cheapest cost known (None: none yet), the bound, the nodes."""

    cost: float | None
    bound: float
    nodes: int


Watch = Callable[[SolvingProgress], bool]  # no: stop, and answer with what is known


def solve(
    programme: Programme,
    effort: Effort,
    *,
    lifted: Set[str] = NOTHING_LIFTED,
    raised: Mapping[str, Decimal] | None = None,
    start: Solution | None = None,
    watch: Watch | None = None,
    presolves: bool = True,
) -> Solution | None:
    """Return the cheapest assignment found; None where there is none at all.

    Limits that are `lifted` do not hold; to those in `raised` so much is added (of a share taken
    off). `start` is a solution that still holds: only what may be cheaper is searched for, which
    spares nearly all of the work. Raises NothingFound.
    """
    limits = [limit for limit in programme.limits if limit.key not in lifted]
    least, most = _bounds(programme, limits)
    if (least > most).any():
        return None
    more = raised or {}
    bounding = [_raised(limit.row, more.get(limit.key)) for limit in limits if limit.row]
    model = _model(programme, [*programme.rows, *bounding], least, most)
    if start is not None and not _narrow(model, start):
        return replace(start, bound=start.cost, nodes=0)
    solver = _solver(effort, watch)
    if not presolves:  # Where any assignment will do, it takes far longer than the search.
        solver.setOptionValue("presolve", "off")
    solver.passModel(model)
    solver.run()
    return _solution(solver, programme)


def is_possible(
    programme: Programme, effort: Effort, lifted: Set[str], watch: Watch | None = None
) -> bool:
    """Tell whether any assignment holds all limits but those lifted, whatever it costs.

    Raises NothingFound.
    """
    free = Programme(
        programme.currency,
        tuple(_for_nothing(programme)),
        programme.rows,
        programme.limits,
        programme.cells,
    )
    return solve(free, effort, lifted=lifted, watch=watch, presolves=False) is not None


def write_model(programme: Programme, path: str) -> None:
    """Write a programme as a file (.mps, .lp) that other solvers read."""
    least, most = _bounds(programme, programme.limits)
    rows = [*programme.rows, *(limit.row for limit in programme.limits if limit.row)]
    solver = _solver(Effort(), None)
    solver.passModel(_model(programme, rows, least, most))
    solver.writeModel(path)


def _for_nothing(programme: Programme) -> Any:
    for column in programme.columns:
        yield type(column)(0, (), column.about, column.option, column.least, column.most)


def _bounds(programme: Programme, limits: Any) -> tuple[Any, Any]:
    least = np.array([column.least for column in programme.columns], np.float64)
    most = np.array([column.most for column in programme.columns], np.float64)
    for limit in limits:
        for place, value in limit.holds:
            if value:
                least[place] = 1
            else:
                most[place] = 0
    return least, most


def _raised(row: Row, more: Decimal | None) -> Row:
    if more is None:
        return row
    if row.most is None:
        return Row(row.columns, row.weights, (row.least or 0) - float(more), None)
    return Row(row.columns, row.weights, row.least, row.most + float(more))


def _solver(effort: Effort, watch: Watch | None) -> "highspy.Highs":
    import highspy

    solver = highspy.Highs()
    solver.silent()
    settings: dict[str, bool | int | float | str] = {
        "threads": 1,
        "random_seed": effort.seed,
        "mip_max_nodes": effort.nodes,
        "mip_rel_gap": max(effort.gap, GAP_OF_A_PROOF),
        "mip_abs_gap": 0.0 if effort.gap else 0.5,  # costs are whole cents
    }
    if effort.seconds is not None:
        settings["time_limit"] = effort.seconds
    for name, value in settings.items():
        solver.setOptionValue(name, value)
    if watch is not None:
        _tell(solver, watch)
    return solver


def _tell(solver: "highspy.Highs", watch: Watch) -> None:
    def interrupt(event: Any) -> None:
        out = event.data_out
        cost = None if abs(out.mip_primal_bound) >= inf else float(out.mip_primal_bound)
        known = SolvingProgress(cost, float(out.mip_dual_bound), int(out.mip_node_count))
        if not watch(known):
            event.interrupt()

    solver.cbMipInterrupt += interrupt


def _model(programme: Programme, rows: Any, least: Any, most: Any) -> "highspy.HighsLp":
    import highspy

    lp = highspy.HighsLp()
    lp.num_col_, lp.num_row_ = len(programme.columns), len(rows)
    lp.col_cost_ = np.array([column.cost for column in programme.columns], np.float64)
    lp.col_lower_, lp.col_upper_ = least, most
    lp.integrality_ = [highspy.HighsVarType.kInteger] * len(programme.columns)
    lp.row_lower_ = np.array([-inf if row.least is None else row.least for row in rows])
    lp.row_upper_ = np.array([inf if row.most is None else row.most for row in rows])
    starts = np.zeros(len(rows) + 1, np.int32)
    np.cumsum([len(row.columns) for row in rows], out=starts[1:])
    lp.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
    lp.a_matrix_.start_ = starts
    lp.a_matrix_.index_ = np.array([c for row in rows for c in row.columns], np.int32)
    lp.a_matrix_.value_ = np.array([w for row in rows for w in row.weights], np.float64)
    return lp


def _narrow(model: "highspy.HighsLp", start: Solution) -> bool:
    """Fix columns that nothing cheaper than a solution chooses otherwise; no: nothing is cheaper.

    By the reduced costs of the relaxation: what another value of a column costs at least.
    """
    # HiGHS is not handed the solution itself: in the presolved model it takes it for a cheaper one.
    import highspy

    integrality, model.integrality_ = model.integrality_, []
    solver = _solver(Effort(), None)
    solver.passModel(model)
    solver.run()
    model.integrality_ = integrality
    if solver.getModelStatus() != highspy.HighsModelStatus.kOptimal:
        return True
    bound = solver.getInfo().objective_function_value
    if _bound(bound, start.cost) >= start.cost:
        return False
    spare = start.cost - bound + 1  # A cent more, against errors of floats.
    dearer = np.array(solver.getSolution().col_dual)
    least, most = np.array(model.col_lower_), np.array(model.col_upper_)
    model.col_upper_ = np.where(dearer > spare, least, most)
    model.col_lower_ = np.where(-dearer > spare, most, least)
    return True


def _solution(solver: "highspy.Highs", programme: Programme) -> Solution | None:
    import highspy

    status, info = solver.getModelStatus(), solver.getInfo()
    if status == highspy.HighsModelStatus.kInfeasible:
        return None
    if info.primal_solution_status != highspy.SolutionStatus.kSolutionStatusFeasible:
        raise NothingFound(
            "The search ended before it found an assignment. Allow it more nodes or more time."
        )
    values = np.array(solver.getSolution().col_value)
    chosen = tuple(int(place) for place in np.nonzero(values > INTEGRAL)[0])
    cost = sum(programme.columns[place].cost for place in chosen)
    return Solution(chosen, cost, _bound(info.mip_dual_bound, cost), int(info.mip_node_count))


def _bound(dual: float, cost: int) -> int:
    """Return the solver's bound as whole cents: rounded up where it is no cent by an error only."""
    return min(cost, floor(dual + 1 - 1e-4)) if dual > -inf else -cost
