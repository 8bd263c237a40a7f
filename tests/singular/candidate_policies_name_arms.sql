{# The seed candidate_policies has rows for arms in force; of an experiment without exposures there are none to compare with. #}

with

policies as (

    select * from {{ ref('candidate_policies') }}

),

arms as (

    select * from {{ ref('int_experiment_arms') }}

),

experiments as (

    select distinct experiment from arms

)

select
    policies.experiment,
    policies.policy,
    policies.variant
from policies
inner join experiments on policies.experiment = experiments.experiment
left join arms on policies.experiment = arms.experiment and policies.variant = arms.variant and arms.is_enabled
where arms.variant is null
