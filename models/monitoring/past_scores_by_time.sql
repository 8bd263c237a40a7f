{# Of snapshots that lie in a partition for each time: a time that is settled is scored once for a version. #}

{{ past_scores_of(monitored() | selectattr('is_by_time') | list) }}
