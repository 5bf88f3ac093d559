-- All that is to be told, as one document.
SELECT jsonb_build_object(
    'tables', (
        SELECT jsonb_agg(jsonb_build_object('name', name, 'legacy', legacy, 'adopted', adopted, 'refused', refused, 'changed', changed,
                                            'recomputed', pg_temp.is_recomputed(name))
                         ORDER BY place)
        FROM pg_temp.tally
    ),
    'weeks', (
        SELECT jsonb_agg(jsonb_build_object('label', label, 'week', week_id, 'rule', rule, 'rows', rows, 'elsewhere', COALESCE(elsewhere, 0))
                         ORDER BY week_id, label)
        FROM adoption.week LEFT JOIN (SELECT label, elsewhere FROM pg_temp.dated) AS dated USING (label)
    ),
    'refused', (
        SELECT jsonb_agg(jsonb_build_object('table', table_name, 'code', code, 'field', field, 'reason', reason, 'rows', rows, 'keys', keys)
                         ORDER BY table_name, code, field)
        FROM (
            SELECT table_name, code, field, min(reason) AS reason, count(*) AS rows, pg_temp.some(array_agg(legacy_key ORDER BY id)) AS keys
            FROM adoption.refused GROUP BY table_name, code, field
        ) AS refused
    ),
    'changed', (
        SELECT jsonb_agg(jsonb_build_object('table', table_name, 'code', code, 'field', field, 'rows', rows, 'keys', keys) ORDER BY table_name, code, field)
        FROM (
            SELECT table_name, code, field, count(DISTINCT legacy_key) AS rows, pg_temp.some(array_agg(DISTINCT legacy_key)) AS keys
            FROM adoption.changed GROUP BY table_name, code, field
        ) AS changed
    ),
    'notes', (SELECT jsonb_agg(jsonb_build_object('table', name, 'code', code, 'field', field, 'rows', rows) ORDER BY name, code, field) FROM pg_temp.note),
    'others', (SELECT jsonb_agg(jsonb_build_object('kind', kind, 'name', name, 'what', why) ORDER BY kind, name, why) FROM pg_temp.stray),
    'rights', (
        SELECT jsonb_agg(jsonb_build_object('role', grantee, 'table', name, 'privileges', privileges) ORDER BY grantee, name)
        FROM (SELECT grantee, name, array_agg(privilege ORDER BY privilege) AS privileges FROM pg_temp.old_right GROUP BY grantee, name) AS rights
    ),
    'money', (
        SELECT jsonb_agg(jsonb_build_object('what', what, 'legacy', COALESCE(legacy, 0)::text, 'adopted', COALESCE(adopted, 0)::text,
                                            'refused', COALESCE(refused, 0)::text) ORDER BY what)
        FROM pg_temp.sum_of_money
    ),
    'derived', (
        SELECT jsonb_agg(jsonb_build_object('name', name, 'legacy', legacy, 'equal', equal, 'different', different, 'legacy_only', legacy_only,
                                            'new_only', new_only) ORDER BY name)
        FROM pg_temp.derived
    ),
    'proofs', (SELECT jsonb_agg(jsonb_build_object('number', number, 'name', name, 'holds', COALESCE(holds, true), 'detail', COALESCE(detail, '')) ORDER BY number) FROM pg_temp.proof)
)::text
