{#
    Stops with one sentence where an argument of a public macro is not what it must be; every public macro asks this first.

    Example:
        {%- do _expect('scored', model=['fitted', model], columns=['columns', columns], as_of=['column', as_of]) -%}
        ->  models/scores/mine.sql: scored(): columns: expected a list of column names, found 'customer_id'; write ['customer_id'].

    Arguments:
        whose: name of the public macro
        kwargs: by argument, what it must be and what it is. `fitted`: name of a fitted model. `column`: name of a column.
            `columns` and `texts`: a list with one at least. `columns or none`: an empty list too. `table`: a CTE's name, or a relation.
            `relation`: what ref() gives. `text`: not empty. `monitored`: one of what monitored() gives, or a list of them. Or a list
            of the texts that it may be.
#}
{% macro _expect(whose) -%}
    {%- for argument, (kind, value) in kwargs.items() -%}
        {%- set is_list = value is sequence and value is not string and value is not mapping -%}
        {%- set is_relation = value is not string and value.identifier is defined -%}
        {%- if kind == 'fitted' -%}
            {%- set fitted = _fitted_models() -%}
            {%- set is_right = _is_name(value) and (value in fitted or not execute) -%}
            {%- set listed = ' (' ~ (fitted | join(', ') or 'the project has none') ~ ')' if execute else '' -%}
            {%- set others = graph.nodes.values() | selectattr('name', 'equalto', value) | list if execute else [] -%}
            {%- set undeclared = "correct it, or declare {materialized: fitted, meta: {estimator: ...}} in the .yml beside " -%}
            {%- set advice = undeclared ~ others[0].original_file_path if others else 'correct it' -%}
            {%- set expected = 'the name of a fitted model' ~ listed -%}
        {%- elif kind == 'column' -%}
            {%- set is_right, expected, advice = _is_name(value), 'the name of a column', 'correct it' -%}
        {%- elif kind in ['texts', 'columns', 'columns or none'] -%}
            {%- set has_enough = is_list and (value | length > 0 or kind == 'columns or none') -%}
            {%- set is_right = has_enough and value | reject('string') | list | length == 0 -%}
            {%- set expected = 'a list of ' ~ ('texts' if kind == 'texts' else 'column names') -%}
            {%- set advice = "write ['" ~ value ~ "']" if _is_name(value) else 'list them' -%}
        {%- elif kind == 'table' -%}
            {%- set is_right, expected = _is_name(value) or is_relation, "a CTE's name or a relation" -%}
            {%- set advice = "write 'name' or ref('name')" -%}
        {%- elif kind == 'relation' -%}
            {%- set is_right, expected = is_relation, 'a relation' -%}
            {%- set advice = "write ref('" ~ value ~ "')" if _is_name(value) else "write ref('name')" -%}
        {%- elif kind == 'monitored' -%}
            {%- set ones = value if is_list else [value] -%}
            {%- set known = ones | selectattr('implementation', 'defined') | selectattr('baseline', 'defined') | list -%}
            {%- set is_right = known | length == ones | length -%}
            {%- set expected, advice = 'what monitored() gives', 'loop over monitored()' -%}
        {%- elif kind == 'text' -%}
            {%- set is_right, expected, advice = value is string and value != '', 'a text', 'write one' -%}
        {%- else -%}
            {%- set is_right, expected, advice = value in kind, kind | join(' or '), 'choose one' -%}
        {%- endif -%}
        {%- if not is_right -%}
            {%- set where = model.original_file_path ~ ': ' if model is defined and model else '' -%}
            {%- set found = 'none' if value is none else "'" ~ value ~ "'" -%}
            {{ exceptions.raise_compiler_error(
                where ~ whose ~ '(): ' ~ argument ~ ': expected ' ~ expected ~ ', found ' ~ found ~ '; ' ~ advice ~ '.'
            ) }}
        {%- endif -%}
    {%- endfor -%}
{%- endmacro %}

{# Whether a value is text that can name a column, CTE or model, with what it belongs to before a point. #}
{% macro _is_name(value) -%}
    {{ return(value is string and modules.re.match('^[A-Za-z_][A-Za-z0-9_]*([.][A-Za-z_][A-Za-z0-9_]*)?$', value) is not none) }}
{%- endmacro %}

{# Names of the project's fitted models; none while dbt only parses. #}
{% macro _fitted_models() -%}
    {%- set nodes = graph.nodes.values() if execute else [] -%}
    {{ return(nodes | selectattr('config.materialized', 'equalto', 'fitted') | map(attribute='name') | sort) }}
{%- endmacro %}
