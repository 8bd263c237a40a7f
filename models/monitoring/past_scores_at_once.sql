{# Of snapshots that are made as a whole: any row may change with any other. #}

{{ past_scores_of(monitored() | selectattr('snapshots') | rejectattr('is_by_time') | list) }}
