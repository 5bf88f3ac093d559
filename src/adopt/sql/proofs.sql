-- What must hold before anything is committed. Each proof looks at the old tables and at ours, not at how one became the other.
CREATE TEMP TABLE proof (number integer, name text, holds boolean, detail text) ON COMMIT DROP;
CREATE TEMP TABLE sum_of_money (what text, legacy numeric, adopted numeric, refused numeric) ON COMMIT DROP;
CREATE TEMP TABLE tally (name text, place integer, legacy bigint, adopted bigint, refused bigint, changed bigint, lost bigint) ON COMMIT DROP;

-- The same document but for the places that are listed as changed.
CREATE FUNCTION pg_temp.but_for(document jsonb, paths text[]) RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
    path text;
BEGIN
    FOREACH path IN ARRAY COALESCE(paths, '{}') LOOP
        document := document #- string_to_array(path, '.');
    END LOOP;
    RETURN document;
END
$$;

-- Whether the values of a table are computed from the bars, after the adoption.
CREATE FUNCTION pg_temp.is_recomputed(name text) RETURNS boolean
LANGUAGE sql STABLE AS $$
    SELECT name IN ('daily_log_returns', 'rolling_7day_log_returns', 'correlation_matrix')
       AND (current_setting('adopt.again') = 'yes' OR EXISTS (SELECT FROM pg_temp.old_daily_bars))
$$;

-- Old rows, and those of them that are in our table under the id they should have. `origin` is where a row was.
DO $$
DECLARE
    known record;
BEGIN
    FOR known IN
        SELECT * FROM (VALUES
            ('daily_bars', 'symbol, date'), ('hourly_snapshots', 'symbol, timestamp'), ('fetch_log', 'id'), ('research_reports', 'id'),
            ('pm_pitches', 'id'), ('peer_reviews', 'id'), ('chairman_decisions', 'id'), ('execution_events', 'id'),
            ('account_performance', 'id'), ('weekly_performance', 'account, week_id'), ('market_condition_performance', 'id'),
            ('users', 'id'), ('accounts', 'id'), ('logs', 'id'), ('daily_log_returns', 'symbol, date'),
            ('rolling_7day_log_returns', 'symbol, date'), ('correlation_matrix', 'date, symbol_1, symbol_2'), ('trade_orders', 'id'),
            ('account_positions', 'account, symbol')
        ) AS known (name, key)
    LOOP
        EXECUTE format(
            'INSERT INTO pg_temp.tally (name, legacy, adopted, refused, changed, lost)
             SELECT origin, count(*), count(*) FILTER (WHERE there), count(*) FILTER (WHERE code IS NOT NULL),
                    count(*) FILTER (WHERE there AND cardinality(array_remove(changes, NULL)) > 0), count(*) FILTER (WHERE there = (code IS NOT NULL))
             FROM (
                 SELECT old.origin, new.code, new.changes,
                        new.code IS NULL AND EXISTS (SELECT FROM %4$I.%1$I AS ours WHERE (%3$s) = (%2$s)) AS there
                 FROM pg_temp.old_%1$s AS old LEFT JOIN pg_temp.new_%1$s AS new USING (n)
             ) AS rows GROUP BY origin',
            known.name, (SELECT string_agg('new.' || part, ', ') FROM unnest(string_to_array(known.key, ', ')) AS part),
            (SELECT string_agg('ours.' || part, ', ') FROM unnest(string_to_array(known.key, ', ')) AS part), current_schema());
    END LOOP;
    INSERT INTO pg_temp.tally (name, legacy, adopted, refused, changed, lost)
    SELECT name, COALESCE(tried, 0), 0, 0, 0, 0 FROM pg_temp.moved WHERE name NOT IN (SELECT name FROM pg_temp.tally);
    UPDATE pg_temp.tally
    SET refused = legacy
    WHERE name IN ('checkpoint_updates', 'weekly_postmortems', 'week_metadata');
    UPDATE pg_temp.tally SET place = moved.place FROM pg_temp.moved WHERE moved.name = tally.name;
END
$$;

-- Rows of a label that are dated far from the week it was taken for: evidence for whoever looks, and not used otherwise.
CREATE TEMP TABLE dated ON COMMIT DROP AS
SELECT label, count(*) AS rows, count(*) FILTER (WHERE day NOT BETWEEN week_id - 6 AND week_id + 6) AS elsewhere
FROM (
    SELECT old.j ->> 'week_id' AS label, week_id, (occurred_at AT TIME ZONE 'UTC')::date AS day
    FROM pg_temp.new_execution_events AS new JOIN pg_temp.old_execution_events AS old USING (n) WHERE code IS NULL
    UNION ALL
    SELECT old.j ->> 'week_id', week_id, (research_date AT TIME ZONE 'UTC')::date
    FROM pg_temp.new_pm_pitches AS new JOIN pg_temp.old_pm_pitches AS old USING (n) WHERE code IS NULL AND research_date IS NOT NULL
    UNION ALL
    SELECT old.j ->> 'week_id', week_id, (research_date AT TIME ZONE 'UTC')::date
    FROM pg_temp.new_peer_reviews AS new JOIN pg_temp.old_peer_reviews AS old USING (n) WHERE code IS NULL AND research_date IS NOT NULL
    UNION ALL
    SELECT old.j ->> 'week_id', week_id, (research_date AT TIME ZONE 'UTC')::date
    FROM pg_temp.new_chairman_decisions AS new JOIN pg_temp.old_chairman_decisions AS old USING (n) WHERE code IS NULL AND research_date IS NOT NULL
) AS dated
GROUP BY label;
INSERT INTO pg_temp.note SELECT 'week', 'week_doubtful', label, elsewhere FROM pg_temp.dated WHERE 2 * elsewhere > rows;

INSERT INTO pg_temp.proof
SELECT 1, 'every old row is adopted or refused', bool_and(legacy = adopted + refused AND legacy = tried),
       string_agg(name || ': ' || tried || ' rows, ' || adopted || ' adopted, ' || refused || ' refused', '; ')
           FILTER (WHERE legacy <> adopted + refused OR legacy <> tried)
FROM pg_temp.tally
JOIN pg_temp.moved USING (name)
WHERE NOT pg_temp.is_recomputed(name);

INSERT INTO pg_temp.proof
SELECT 2, 'each is in exactly one place, under its own key', bool_and(lost = 0 AND listed = refused),
       string_agg(name || ': ' || lost || ' rows are in both or in neither, ' || listed || ' of ' || refused || ' listed', '; ')
           FILTER (WHERE lost > 0 OR listed <> refused)
FROM pg_temp.tally
CROSS JOIN LATERAL (
    SELECT count(*) AS listed FROM adoption.refused WHERE table_name = name AND code NOT IN ('no_counterpart', 'recomputed', 'no_longer_derivable')
) AS listed
WHERE name NOT IN ('checkpoint_updates', 'weekly_postmortems', 'week_metadata');

DO $$
DECLARE
    known record;
    differing bigint;
    compared bigint := 0;
    wrong text := '';
    counted bigint;
BEGIN
    FOR known IN
        SELECT * FROM (VALUES
            ('research_reports', 'structured_json'), ('pm_pitches', 'pitch_data'), ('peer_reviews', 'review_data'),
            ('chairman_decisions', 'decision_data'), ('execution_events', 'event_data'), ('logs', 'data')
        ) AS known (name, document)
    LOOP
        EXECUTE format(
            'SELECT count(*), count(*) FILTER (WHERE
                 pg_temp.but_for(pg_temp.document(NULLIF(old.j -> %2$L, ''null'')), edited.paths)
                 IS DISTINCT FROM pg_temp.but_for(ours.%2$I::jsonb, edited.paths)
                 OR edited.wrong > 0)
             FROM pg_temp.new_%1$s AS new
             JOIN pg_temp.old_%1$s AS old USING (n)
             JOIN %3$I.%1$I AS ours ON ours.id = new.id
             CROSS JOIN LATERAL (
                 SELECT array_agg(path) || CASE WHEN %1$L = ''execution_events'' THEN ''{event_type,legacy_event_type}''::text[] ELSE ''{}'' END AS paths,
                        count(*) FILTER (WHERE change.is_now IS DISTINCT FROM (ours.%2$I::jsonb #>> string_to_array(path, ''.''))) AS wrong
                 FROM unnest(new.changes) AS change
                 CROSS JOIN LATERAL (SELECT substr(change.field, length(%2$L) + 2) AS path) AS path
                 WHERE starts_with(change.field, %2$L || ''.'') AND change.code <> ''breaks_a_rule''
             ) AS edited
             WHERE new.code IS NULL', known.name, known.document, current_schema()) INTO counted, differing;
        compared := compared + counted;
        IF differing > 0 THEN
            wrong := wrong || known.name || ': ' || differing || ' documents; ';
        END IF;
    END LOOP;
    INSERT INTO pg_temp.proof VALUES
        (3, 'documents are the same but for the listed edits', wrong = '', COALESCE(NULLIF(wrong, ''), compared || ' compared'));
END
$$;

INSERT INTO pg_temp.sum_of_money
SELECT 'accounts.balance', (SELECT sum(pg_temp.finite(j ->> 'balance')) FROM pg_temp.old_accounts),
       (SELECT sum(ours.balance) FROM pg_temp.new_accounts AS new JOIN accounts AS ours USING (id) WHERE new.code IS NULL),
       (SELECT sum(pg_temp.finite("row" ->> 'balance')) FROM adoption.refused WHERE table_name = 'accounts')
UNION ALL
SELECT 'weekly_performance.' || name, (SELECT sum(pg_temp.finite(j ->> name)) FROM pg_temp.old_weekly_performance),
       (SELECT sum((to_jsonb(ours) ->> name)::numeric)
        FROM pg_temp.new_weekly_performance AS new JOIN weekly_performance AS ours USING (account, week_id) WHERE new.code IS NULL),
       (SELECT sum(pg_temp.finite("row" ->> name)) FROM adoption.refused WHERE table_name = 'weekly_performance')
FROM unnest('{realized_pnl,fees,net_pnl}'::text[]) AS name
UNION ALL
SELECT 'positions.avg_entry_price', (SELECT sum(pg_temp.finite(j ->> 'avg_entry_price')) FROM pg_temp.old_account_positions),
       -- With what was rounded, which is listed.
       (SELECT sum(ours.avg_entry_price) FROM pg_temp.new_account_positions AS new JOIN account_positions AS ours USING (account, symbol)
        WHERE new.code IS NULL)
       + COALESCE((SELECT sum(COALESCE(pg_temp.finite(was), 0) - COALESCE(pg_temp.finite(is_now), 0)) FROM adoption.changed
                   WHERE table_name = 'positions' AND field = 'avg_entry_price'
                     AND legacy_key IN (SELECT key FROM pg_temp.old_account_positions)), 0),
       (SELECT sum(pg_temp.finite("row" ->> 'avg_entry_price')) FROM adoption.refused WHERE table_name = 'positions')
UNION ALL
SELECT 'prices of ENTRY and EXIT of ' || named.account,
       sum(pg_temp.finite(pg_temp.document(old.j -> 'event_data') ->> 'price')),
       sum((ours.event_data ->> 'price')::numeric),
       sum(pg_temp.finite(pg_temp.document(old.j -> 'event_data') ->> 'price')) FILTER (WHERE new.code IS NOT NULL)
FROM pg_temp.old_execution_events AS old
JOIN pg_temp.new_execution_events AS new USING (n)
LEFT JOIN execution_events AS ours ON ours.id = new.id AND new.code IS NULL
CROSS JOIN LATERAL (SELECT COALESCE(pg_temp.account(old.j ->> 'account'), 'no account') AS account) AS named
WHERE old.j ->> 'event_type' IN ('ENTRY', 'EXIT')
GROUP BY named.account
UNION ALL
SELECT 'daily_bars.' || name, (SELECT sum(pg_temp.finite(j ->> name)) FROM pg_temp.old_daily_bars),
       -- With what was dropped or rounded, which is listed.
       (SELECT sum((to_jsonb(ours) ->> name)::numeric)
        FROM pg_temp.new_daily_bars AS new JOIN daily_bars AS ours USING (symbol, date) WHERE new.code IS NULL)
       + COALESCE((SELECT sum(COALESCE(pg_temp.finite(was), 0) - COALESCE(pg_temp.finite(is_now), 0)) FROM adoption.changed
                   WHERE table_name = 'daily_bars' AND field = name
                     AND legacy_key IN (SELECT key FROM pg_temp.old_daily_bars)), 0),
       (SELECT sum(pg_temp.finite("row" ->> name)) FROM adoption.refused WHERE table_name = 'daily_bars')
FROM unnest('{close,volume}'::text[]) AS name;
INSERT INTO pg_temp.proof
SELECT 4, 'money is the same to the cent', bool_and(COALESCE(legacy, 0) = COALESCE(adopted, 0) + COALESCE(refused, 0)),
       COALESCE(string_agg(what || ': ' || COALESCE(legacy, 0) || ' was, ' || COALESCE(adopted, 0) || ' adopted, ' || COALESCE(refused, 0) || ' refused', '; ')
           FILTER (WHERE COALESCE(legacy, 0) <> COALESCE(adopted, 0) + COALESCE(refused, 0)), count(*) || ' sums')
FROM pg_temp.sum_of_money;

WITH trade AS (
    SELECT pg_temp.account(old.j ->> 'account') AS account, old.j ->> 'week_id' AS label, ours.week_id
    FROM pg_temp.old_execution_events AS old
    JOIN pg_temp.new_execution_events AS new USING (n)
    JOIN execution_events AS ours ON ours.id = new.id
    WHERE new.code IS NULL AND old.j ->> 'event_type' IN ('ENTRY', 'EXIT')
), split AS (
    SELECT account, label FROM trade GROUP BY account, label HAVING count(DISTINCT week_id) > 1
), merged AS (
    SELECT account, week_id FROM trade GROUP BY account, week_id HAVING count(DISTINCT label) > 1
)
INSERT INTO pg_temp.proof
SELECT 5, 'trades of one week stay together, and with no others',
       NOT EXISTS (SELECT FROM split)
       -- Labels that mean one week are listed with their rows.
       AND NOT EXISTS (
           SELECT FROM merged JOIN trade USING (account, week_id)
           LEFT JOIN adoption.week ON week.label = trade.label AND week.week_id = trade.week_id
           WHERE week.label IS NULL
       ),
       (SELECT count(*) FROM merged) || ' weeks of an account have labels of two kinds';

INSERT INTO pg_temp.proof
SELECT 6, 'reviews are about the pitches that they were about', count(*) FILTER (WHERE wrong) = 0,
       count(*) || ' compared, ' || count(*) FILTER (WHERE relinked) || ' relinked'
FROM (
    SELECT pitch.n IS NULL AS relinked,
           CASE
               WHEN pitch.n IS NULL THEN ours.reviewer_model = about.model
               ELSE (pg_temp.model(pitch.j ->> 'model'), new.week_id) IS DISTINCT FROM (about.model, about.week_id)
           END AS wrong
    FROM pg_temp.new_peer_reviews AS new
    JOIN pg_temp.old_peer_reviews AS old USING (n)
    JOIN peer_reviews AS ours ON ours.id = new.id
    JOIN pm_pitches AS about ON about.id = ours.pitch_id AND about.week_id = ours.week_id
    LEFT JOIN (SELECT DISTINCT ON (p.j ->> 'id') p.j ->> 'id' AS id, p.n, p.j FROM pg_temp.old_pm_pitches AS p ORDER BY p.j ->> 'id', p.n) AS pitch
        ON pitch.id = old.j ->> 'pitch_id'
    WHERE new.code IS NULL
) AS compared;

DO $$
DECLARE
    known record;
    now_there bigint;
    wrong text := '';
BEGIN
    FOR known IN SELECT * FROM pg_temp.moved LOOP
        EXECUTE format('SELECT count(*) FROM %I.%I', current_setting('adopt.legacy'), known.name) INTO now_there;
        IF now_there <> known.rows OR known.columns <> ARRAY(
            SELECT attname FROM pg_attribute WHERE attrelid = known.was AND attnum > 0 AND NOT attisdropped ORDER BY attnum
        )::text[] THEN
            wrong := wrong || known.name || '; ';
        END IF;
    END LOOP;
    INSERT INTO pg_temp.proof VALUES (9, 'the old tables are as they were, in a schema of their own', wrong = '',
        COALESCE(NULLIF(wrong, ''), (SELECT count(*) FROM pg_temp.moved) || ' tables'));
END
$$;
