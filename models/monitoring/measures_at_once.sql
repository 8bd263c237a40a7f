{{ measures_of(ref('past_scores_at_once')) }}
