-- Gives rows their new ids, which the program made of the old ones (`made_id`), and events those of their content.
DO $$
DECLARE
    wanted text;
BEGIN
    FOREACH wanted IN ARRAY ARRAY[
        'research_reports', 'pm_pitches', 'chairman_decisions', 'fetch_log', 'users', 'accounts', 'logs', 'account_performance',
        'market_condition_performance'
    ] LOOP
        EXECUTE format(
            'UPDATE pg_temp.new_%1$s AS new SET id = made.id FROM pg_temp.made_id AS made
             WHERE made.wanted = %1$L AND made.n = new.n AND new.id IS NULL', wanted);
    END LOOP;
END
$$;

-- Of events that are alike the first has the id that an import of the same event would have, and the others keep their own.
UPDATE pg_temp.new_execution_events AS new
SET id = CASE WHEN place = 1 AND NOT there THEN of_content WHEN old_id IS NOT NULL AND of_old_id = 1 THEN old_id ELSE own END,
    changes = CASE WHEN place > 1 OR there THEN changes || ROW('twin', 'id', NULL, NULL)::pg_temp.change ELSE changes END
FROM (
    SELECT new.n, content.id AS of_content, own.id AS own, EXISTS (SELECT FROM execution_events AS e WHERE e.id = content.id) AS there,
           row_number() OVER (PARTITION BY content.id ORDER BY new.created_at, new.old_id, new.n) AS place,
           row_number() OVER (PARTITION BY new.old_id ORDER BY new.n) AS of_old_id
    FROM pg_temp.new_execution_events AS new
    JOIN pg_temp.made_id AS content ON content.wanted = 'event of its content' AND content.n = new.n
    JOIN pg_temp.made_id AS own ON own.wanted = 'execution_events' AND own.n = new.n
    WHERE new.code IS NULL
) AS made
WHERE made.n = new.n;
