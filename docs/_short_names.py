"""Links of names that docstrings write without their room, such as ``InversionResult``."""

from docutils import nodes
from sphinx.addnodes import pending_xref
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.util.nodes import make_refnode


def resolve(
    app: Sphinx, env: BuildEnvironment, node: pending_xref, content: nodes.TextElement
) -> nodes.reference | None:
    """Link a name that Sphinx did not find, if one object alone in the reference ends in it."""
    if node.get("refdomain") != "py":
        return None
    ending = "." + node["reftarget"].lstrip(".")
    objects = env.domains.python_domain.objects
    ends = [name for name, entry in objects.items() if name.endswith(ending) and not entry.aliased]
    if len(ends) != 1:
        return None
    entry = objects[ends[0]]
    return make_refnode(app.builder, node["refdoc"], entry.docname, entry.node_id, content, ends[0])


def setup(app: Sphinx) -> dict[str, bool]:
    """Connect to Sphinx."""
    app.connect("missing-reference", resolve, priority=400)  # before intersphinx asks the web
    return {"parallel_read_safe": True, "parallel_write_safe": True}
