{{ measures_of(ref('past_scores_by_time')) }}
