"""Reasons in words, by the templates that the seed's file holds now."""

from scorehouse.build.reason_templates import declared_templates, text_sql
from scorehouse.build.run import Run
from scorehouse.errors import ScorehouseError
from scorehouse.operations.register import operation


@operation
def reason_text(run: Run, model: str, row: str, number: str) -> str:
    """A SQL expression that puts a row's column `reasons` in words.

    Args:
        model: name of the model in models/features whose columns the features are.
        row: what SQL calls its row.
        number: the function that makes a number readable.
    """
    models = run.manifest.feature_types()
    if model not in models:
        raise ScorehouseError(
            f"reason_text(): model: expected a model in models/features that declares its columns ({', '.join(sorted(models))}), "
            f"found '{model}'; correct it."
        )
    return text_sql(declared_templates(run.manifest), models[model], row, number)
