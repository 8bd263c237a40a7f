"""What dbt may be asked for: its commands and their options, all that are known to be right; others are refused by name."""

from collections.abc import Collection

from scorehouse.errors import ScorehouseError

BUILDS = frozenset("build run test seed snapshot retry".split())
"""dbt's commands that run nodes."""

COMMANDS = BUILDS | frozenset("show compile generate list ls parse run-operation freshness serve deps debug clean".split())
"""dbt's commands, as its flag `which` calls them."""

_CHOOSE = (
    "select exclude selector models resource_types exclude_resource_types indirect_selection state defer defer_state favor_state"
)
_PLACE = "project_dir profiles_dir profile target target_path log_path partial_parse_file_path partial_parse_file_diff"
_PRINT = (
    "debug quiet print printer_width use_colors use_colors_file log_format log_format_file log_level log_level_file"
    " log_file_max_bytes log_cache_events macro_debugging record_timing_info output output_keys limit static empty_catalog"
    " show_resource_report show_all_deprecations write_json browser host port"
)
_WORK = (
    "vars args threads fail_fast full_refresh empty sample store_failures warn_error warn_error_options"
    " partial_parse static_parser use_experimental_parser cache_selected_only populate_cache version_check use_fast_test_edges"
    " introspect inline inline_direct compile inject_ephemeral_ctes macro sqlparse send_anonymous_usage_stats version"
    " deprecated_print deprecated_state deprecated_defer deprecated_favor_state"
)
OPTIONS = frozenset(f"{_CHOOSE} {_PLACE} {_PRINT} {_WORK}".split())
"""dbt's options, as its command line calls their parameters."""

INSTEAD = {
    "clone": "a branch starts from main's release by itself; leave it out",
    "show": "write dbt show --inline \"select * from {{ ref('<seed>') }}\"; dbt itself cannot show seeds beside hooks",
    "single_threaded": "write --threads 1",
    "event_time_start": "every build is of the whole time; filter in a model, or leave it out",
    "event_time_end": "every build is of the whole time; filter in a model, or leave it out",
}
"""What to do instead, where that is known."""


def expect_known(command: str, options: Collection[str], threads: int | None = None) -> None:
    """Refuse a command or an option that is not known to be right here.

    Args:
        command: as dbt calls it.
        options: parameters that the command line or the environment gives.
        threads: how many are asked for.

    Raises ScorehouseError naming the first.

    >>> expect_known("build", ["select", "threads"])
    """
    if command not in COMMANDS:
        found = f"dbt {command}"
        raise ScorehouseError(f"Refused: expected a command that this project knows, found {found}; {_instead(command)}.")
    if threads is not None and threads < 1:
        raise ScorehouseError(f"Refused: expected --threads 1 or more, found {threads}; correct it.")
    for option in sorted(set(options) - OPTIONS):
        found = f"--{option.replace('_', '-')}"
        raise ScorehouseError(
            f"Refused: expected options that this project knows, found {found} of dbt {command}; {_instead(option)}."
        )


def _instead(name: str) -> str:
    return INSTEAD.get(name, "leave it out")
