"""A share of the shots leaves the function that computes it through the team's sum alone."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import pylops_vmb

PACKAGE = Path(pylops_vmb.__file__).parent
SOURCES = {path.relative_to(PACKAGE).as_posix(): path for path in sorted(PACKAGE.rglob("*.py"))}
MESSENGERS = {f"inversion/processes/{name}.py" for name in ("mpi", "distributed")}
"""The team, and the vectors and operators of pylops-mpi."""
MESSAGES = {
    *("allgather", "allreduce", "alltoall", "bcast"),
    *("Allgather", "Allreduce", "Alltoall", "Bcast", "Gather", "Reduce", "Scatter"),
    *("Allgatherv", "Gatherv", "Scatterv", "Barrier", "Send", "Recv", "Split_type"),
    *("mpi4py", "pylops_mpi"),
}
"""What only the messengers may import or call."""
MODELLING = {"_apply", "_linearize", "linearize", "jacobian", "side_by_side"}
"""Calls that give what belongs to some of the shots only."""


def parse(name: str) -> ast.Module:
    return ast.parse(SOURCES[name].read_text(encoding="utf-8"))


def names(tree: ast.AST) -> Iterator[str]:
    """Yield every name that a tree mentions, but for what it hands to a team's sum."""
    match tree:
        case ast.Call(func=ast.Attribute(attr="sum", value=owner)) if is_team(owner):
            return
        case ast.Attribute(attr=name) | ast.Name(id=name):
            yield name
        case ast.Import(names=modules):
            yield from (module.name.partition(".")[0] for module in modules)
        case ast.ImportFrom(module=str(module)):
            yield module.partition(".")[0]
    for child in ast.iter_child_nodes(tree):
        yield from names(child)


def is_team(owner: ast.expr) -> bool:
    """Tell whether an expression is a team: ``team``, ``self._team``."""
    match owner:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name.endswith("team")
    return False


def escapes(tree: ast.Module) -> set[str]:
    """Return the public functions of a file that hold a share of the shots.

    A function holds one if it models, or if it mentions a function that does, other than as
    what a team sums.  One that models a part it is given holds none: parts are given by
    ``side_by_side``, which counts.
    """
    functions = [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef) and not is_given_a_part(node)
    ]
    mentions = {node.name: {n for part in node.body for n in names(part)} for node in functions}
    holders = {name for name, mentioned in mentions.items() if mentioned & MODELLING}
    while more := {name for name in mentions if mentions[name] & holders} - holders:
        holders |= more
    return {name for name in holders if not name.startswith("_") or name.endswith("__")}


def is_given_a_part(function: ast.FunctionDef) -> bool:
    annotations = [argument.annotation for argument in function.args.args]
    return any(isinstance(note, ast.Name) and note.id == "Part" for note in annotations)


def knows_a_team(tree: ast.Module) -> bool:
    return any(name in ("team", "_team", "Team") for name in names(tree))


INVERSIONS = [name for name in SOURCES if name.startswith(("inversion/", "hybrid/"))]
SHARING = [name for name in INVERSIONS if name not in MESSENGERS and knows_a_team(parse(name))]


@pytest.mark.parametrize("name", SHARING)
def test_no_share_of_the_shots_escapes(name):
    assert escapes(parse(name)) == set()


def test_the_files_that_share_are_looked_at():
    assert {"inversion/objective.py", "inversion/misfits.py", "inversion/stage.py"} <= set(SHARING)


def test_two_files_alone_send_messages():
    found = {name: set(names(parse(name))) & MESSAGES for name in SOURCES}
    assert {name for name, words in found.items() if words} == MESSENGERS


@pytest.mark.parametrize("messenger", sorted(MESSENGERS))
def test_a_messenger_imports_mpi_only_when_it_is_used(messenger):
    top = {name for node in parse(messenger).body for name in imported(node)}
    assert not top & {"mpi4py", "pylops_mpi"}


def imported(node: ast.stmt) -> Iterator[str]:
    if isinstance(node, ast.Import | ast.ImportFrom):
        yield from names(node)


FORGOTTEN = """
class Objective:
    def misfit(self, vp):
        return self._heights(vp)[0]
    def _heights(self, vp):
        return [self.F._apply(vp)]
"""
SUMMED = FORGOTTEN.replace("self._heights(vp)[0]", "self._team.sum(lambda: self._heights(vp))[0]")


def test_a_forgotten_sum_is_found():
    assert escapes(ast.parse(FORGOTTEN)) == {"misfit"}
    assert escapes(ast.parse(SUMMED)) == set()
