"""Function nodes: macros of SQL, or macros that call a registered Python function."""

from pathlib import Path

from scorehouse.build import engine
from scorehouse.build.builder import Builder, Outcome
from scorehouse.build.manifest import Node
from scorehouse.names.fingerprint import digest
from scorehouse.names.quoting import identifier, quoted
from scorehouse.sandbox import queries
from scorehouse.sandbox.parse import check_type, without_positions


def function(builder: Builder, node_id: str, body: str) -> Outcome:
    """Create or keep a function node.

    Args:
        body: the SQL; of a Python function its file counts, what that imports of the project, and which function of it is meant.
    """
    node = builder.manifest.node(node_id)
    signature, computed_with = node.signature, {}
    if signature.language == "python":
        code = engine.of_function(builder.manifest.folder / node.path, builder.manifest.folder / Path(node.path).parts[0])
        said, value = digest(code.own, signature.entry_point), f"({identifier(node.name)}({_arguments(node)}))"
        computed_with = code.libraries
    else:
        said, value = _of_sql(builder, node, body.strip().replace(f"{identifier(queries.DATABASE)}.", ""))
    own = ["function", signature.arguments, signature.returns, said]
    record = builder.record(node, own, computed_with, builder.reader.whole(node))
    table = "table " if signature.is_table else ""
    create = f"create or replace macro {quoted(node.relation)}({_arguments(node)}) as {table}{value}"
    if signature.language == "python":  # a branch starts from a catalog, which has no macro over what only this process can run
        builder.connection.cursor().execute(create)
    return builder.defined(record, create)


def _of_sql(builder: Builder, node: Node, body: str) -> tuple[str, str]:
    """What a body says, and the value that the macro computes, in brackets; it names no database: it holds in any file."""
    reach = builder.manifest.reach(node)
    if node.signature.is_table:
        return digest(without_positions(queries.check(body, node.path, node.text, reach))), f"(\n{body}\n)"
    tree = queries.check_expression(body, node.path, reach)
    return digest(without_positions(tree)), f"(cast((\n{body}\n) as {check_type(node.signature.returns, node.path)}))"


def _arguments(node: Node) -> str:
    return ", ".join(identifier(name) for name, _ in node.signature.arguments)
