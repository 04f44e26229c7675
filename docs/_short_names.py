"""Links of names that docstrings write without their room, or with one they have left."""

from docutils import nodes
from sphinx.addnodes import pending_xref
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.util.nodes import make_refnode

FRONT = "pylops_vmb."


def resolve(
    app: Sphinx, env: BuildEnvironment, node: pending_xref, content: nodes.TextElement
) -> nodes.reference | None:
    """Link a name that Sphinx did not find, if one object alone in the reference ends in it."""
    if node.get("refdomain") != "py":
        return None
    objects = env.domains.python_domain.objects
    names = _candidates(
        node["reftarget"].lstrip("."), [n for n in objects if not objects[n].aliased]
    )
    if len(names) != 1:
        return None
    entry = objects[names[0]]
    return make_refnode(
        app.builder, node["refdoc"], entry.docname, entry.node_id, content, names[0]
    )


def _candidates(target: str, known: list[str]) -> list[str]:
    """Return the known names that end in a short one; of a name with its room, the front's."""
    if target.startswith(FRONT):
        front = FRONT + target.rpartition(".")[2]
        return [name for name in known if name == front]
    return [name for name in known if name.endswith("." + target)]


def setup(app: Sphinx) -> dict[str, bool]:
    """Connect to Sphinx."""
    app.connect("missing-reference", resolve, priority=400)  # before intersphinx asks the web
    return {"parallel_read_safe": True, "parallel_write_safe": True}
