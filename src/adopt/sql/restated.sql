-- The rows of before_performance.sql that are others now, a document each, with the values that differ.
SELECT jsonb_build_object('table', name, 'key', key, 'was', differing.was, 'would_be', differing.would_be)::text
FROM pg_temp.results() AS now
LEFT JOIN pg_temp.result_before AS before USING (name, key)
CROSS JOIN LATERAL (
    SELECT jsonb_object_agg(field.key, before.value ->> field.key) FILTER (WHERE before.value IS NOT NULL) AS was,
           jsonb_object_agg(field.key, field.value #>> '{}') AS would_be
    FROM jsonb_each(now.value) AS field
    WHERE before.value -> field.key IS DISTINCT FROM field.value
) AS differing
WHERE differing.would_be IS NOT NULL
ORDER BY name, key
