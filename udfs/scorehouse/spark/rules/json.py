"""JSON, which Spark keeps as a text."""

from sqlglot import exp

from scorehouse.spark.rules.build import borrowed, call, text, text_of
from scorehouse.spark.rules.registry import Known, UntranslatableError, function, node


@node(exp.JSONExtractScalar)
def text_at(found: exp.JSONExtractScalar, known: Known) -> exp.Expression:
    """What is at a path, as a text."""
    return call("get_json_object", found.this, _path(found.expression))


@function("json_extract_string")
def extract_string(found: exp.Anonymous, known: Known) -> exp.Expression:
    """What is at a path, as a text."""
    value, path = found.expressions
    return call("get_json_object", value, _path(path))


@node(exp.JSONExtract)
def json_at(found: exp.JSONExtract, known: Known) -> exp.Expression:
    """What is at a path, as JSON: a text stands in quotes there, unless it is cast."""
    if isinstance(found.parent, exp.Cast):
        return call("get_json_object", found.this, _path(found.expression))
    return borrowed("STRING", "json_extract(a0, a1)", [found.this, found.expression])


@function("json_extract")
def extract(found: exp.Anonymous, known: Known) -> exp.Expression:
    """What is at a path, as JSON."""
    return borrowed("STRING", "json_extract(a0, a1)", found.expressions)


@function("json_keys")
def keys(found: exp.Anonymous, known: Known) -> exp.Expression:
    """Names of an object's members."""
    return call("json_object_keys", *found.expressions)


@function("json_type")
def kind_of(found: exp.Anonymous, known: Known) -> exp.Expression:
    """What kind of value a text is, or has at a path."""
    return borrowed("STRING", "json_type(a0, a1)" if len(found.expressions) > 1 else "json_type(a0)", found.expressions)


@function("json_exists")
def exists(found: exp.Anonymous, known: Known) -> exp.Expression:
    """Whether there is something at a path."""
    return borrowed("BOOLEAN", "json_exists(a0, a1)", found.expressions)


@function("to_json", "json_object")
def to_json(found: exp.Anonymous, known: Known) -> exp.Expression:
    """Values as JSON, as DuckDB writes them; what is JSON already stays what it is."""
    (value, *others) = found.expressions
    is_row = bool(value.meta.get("tuple"))
    values = value.expressions if is_row else [value, *others]
    names = ", ".join(f"a{place}" + "::json" * (known.type_of(one) == "JSON") for place, one in enumerate(values))
    return borrowed("STRING", f"{found.name.lower()}({f'({names})' if is_row else names})", values)


def _path(path: exp.Expression) -> exp.Expression:
    """A path as Spark reads it.

    A name is a member; '$."' || name || '"' is one whose name is computed.
    """
    said = text_of(path)
    if said is not None:
        return text(said if said.startswith("$") else f"$['{said}']")
    parts = _joined(path.unnest())
    if len(parts) == 3 and (text_of(parts[0]), text_of(parts[2])) == ('$."', '"'):
        return call("concat", text("$['"), parts[1], text("']"))
    if isinstance(path, exp.Column):  # a name, which is a member's
        return call("concat", text("$['"), path, text("']"))
    raise UntranslatableError("a JSON path that is computed", "write '$.\"' || name || '\"'")


def _joined(value: exp.Expression) -> list[exp.Expression]:
    return [*_joined(value.this), value.expression] if isinstance(value, exp.DPipe) else [value]
