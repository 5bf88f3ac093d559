-- Research, pitches, reviews and decisions, up to what a program has to say about their documents.

CREATE TEMP TABLE new_research_reports ON COMMIT DROP AS
SELECT n, key, pg_temp.uuid(j ->> 'id') AS id, week AS week_id, j ->> 'provider' AS provider, model,
       COALESCE(j ->> 'natural_language', '') AS natural_language, document AS structured_json, status,
       j ->> 'error_message' AS error_message, pg_temp.instant(j ->> 'generated_at') AS generated_at,
       pg_temp.time_of(j ->> 'created_at', j ->> 'generated_at') AS created_at,
       CASE
           WHEN week IS NULL THEN 'week_unknown' WHEN provider_known IS NOT TRUE THEN 'provider_unknown' WHEN model IS NULL THEN 'model_form'
           WHEN problem IS NOT NULL THEN 'document_form'
       END AS code,
       CASE
           WHEN week IS NULL THEN 'week_id' WHEN provider_known IS NOT TRUE THEN 'provider' WHEN model IS NULL THEN 'model'
           WHEN problem IS NOT NULL THEN 'structured_json'
       END AS field,
       CASE
           WHEN week IS NULL THEN 'the label names no week' WHEN provider_known IS NOT TRUE THEN 'neither perplexity nor gemini'
           WHEN model IS NULL THEN 'no name of a model' ELSE problem
       END AS reason,
       NULL::bigint AS winner,
       ARRAY[
           pg_temp.change_of(rule, 'week_id', j ->> 'week_id', week::text),
           pg_temp.change_of('status_mapped', 'status', j ->> 'status', status),
           pg_temp.change_of('blanks_cut', 'model', j ->> 'model', model),
           pg_temp.encoding_change('structured_json', j -> 'structured_json'),
           pg_temp.change_of('value_made', 'natural_language', j ->> 'natural_language', COALESCE(j ->> 'natural_language', '')),
           pg_temp.time_change('created_at', j ->> 'created_at', pg_temp.time_of(j ->> 'created_at', j ->> 'generated_at')),
           CASE WHEN j ->> 'generated_at' <> '' AND pg_temp.instant(j ->> 'generated_at') IS NULL THEN
               pg_temp.change_of('value_dropped', 'generated_at', j ->> 'generated_at', NULL::text) END
       ] AS changes
FROM (
    SELECT n, key, j, week, rule, document, pg_temp.model(j ->> 'model') AS model, pg_temp.no_document(document) AS problem,
           j ->> 'provider' IN ('perplexity', 'gemini') AS provider_known,
           CASE
               WHEN COALESCE(j ->> 'status', 'pending') IN ('pending', 'complete', 'error') THEN COALESCE(j ->> 'status', 'pending')
               WHEN j ->> 'error_message' <> '' OR document ->> 'error' <> '' THEN 'error'
               WHEN document ?| ARRAY[
                   'macro_regime', 'top_narratives', 'consensus_map', 'asset_setups', 'tradable_candidates', 'event_calendar',
                   'event_calendar_next_7d', 'named_entities', 'confidence_notes', 'weekly_graph'
               ] THEN 'complete'
               ELSE 'pending'
           END AS status
    FROM (SELECT *, pg_temp.document(j -> 'structured_json') AS document FROM pg_temp.old_research_reports OFFSET 0) AS old
    LEFT JOIN pg_temp.label ON label = j ->> 'week_id'
    OFFSET 0
) AS read;

-- Instants of research by label, for pitches that know only the day of theirs.
CREATE TEMP TABLE research_instant ON COMMIT DROP AS
SELECT label, (at AT TIME ZONE 'UTC')::date AS day, min(at) AS at
FROM (
    SELECT j ->> 'week_id' AS label, pg_temp.instant(j ->> 'research_date') AS at FROM pg_temp.old_peer_reviews
    UNION SELECT j ->> 'week_id', pg_temp.instant(j ->> 'research_date') FROM pg_temp.old_chairman_decisions
    UNION SELECT j ->> 'week_id', pg_temp.instant(j ->> 'created_at') FROM pg_temp.old_research_reports
) AS known
WHERE at IS NOT NULL
GROUP BY 1, 2
HAVING count(DISTINCT at) = 1;

-- When the research was that a row names: through the pack of SQLAlchemy's models, as an instant, or as a day.
CREATE TEMP TABLE pitch_research ON COMMIT DROP AS
SELECT pitch.n, COALESCE(known.at, pg_temp.instant(named.value)) AS at, named.value,
       CASE
           WHEN named.value !~ '^\s*\d{4}-\d{1,2}-\d{1,2}\s*$' AND pg_temp.is_naive(named.value) THEN 'instant_taken_as_utc'
           WHEN named.value ~ '^\s*\d{4}-\d{1,2}-\d{1,2}\s*$' THEN 'instant_from_day'
           ELSE 'instant_rewritten'
       END AS rule
FROM pg_temp.old_pm_pitches AS pitch
LEFT JOIN pg_temp.old_research_packs AS pack ON pack.j ->> 'id' = pitch.j ->> 'research_pack_a_id'
CROSS JOIN LATERAL (
    SELECT CASE
        WHEN pitch.j ? 'research_date' THEN NULLIF(btrim(pitch.j ->> 'research_date'), '')
        ELSE pack.j ->> 'created_at'
    END AS value
) AS named
LEFT JOIN pg_temp.research_instant AS known
    ON named.value ~ '^\s*\d{4}-\d{1,2}-\d{1,2}\s*$' AND known.label = pitch.j ->> 'week_id' AND known.day = pg_temp.day(named.value);

CREATE TEMP TABLE new_pm_pitches ON COMMIT DROP AS
SELECT n, key, pg_temp.uuid(j ->> 'id') AS id, week AS week_id, model, account, research_date, d4 AS pitch_data,
       pg_temp.time_of(j ->> 'created_at') AS created_at, pg_temp.time_of(j ->> 'created_at') AS updated_at,
       CASE
           WHEN week IS NULL THEN 'week_unknown' WHEN model IS NULL THEN 'model_form' WHEN problem IS NOT NULL THEN 'document_form'
           WHEN account IS NULL AND named_account IS NULL THEN 'account_unknown' WHEN account IS NULL THEN 'account_form'
           WHEN research_date IS NULL AND research_value IS NOT NULL THEN 'instant_form'
       END AS code,
       CASE
           WHEN week IS NULL THEN 'week_id' WHEN model IS NULL THEN 'model' WHEN problem IS NOT NULL THEN 'pitch_data'
           WHEN account IS NULL THEN 'account' WHEN research_date IS NULL AND research_value IS NOT NULL THEN 'research_date'
       END AS field,
       CASE
           WHEN week IS NULL THEN 'the label names no week' WHEN model IS NULL THEN 'no name of a model' WHEN problem IS NOT NULL THEN problem
           WHEN account IS NULL AND named_account IS NULL THEN 'nothing says which account it is for: give --account-of MODEL=ACCOUNT'
           WHEN account IS NULL THEN 'no name of an account'
           WHEN research_date IS NULL AND research_value IS NOT NULL THEN 'no instant in the years 1 to 9999'
       END AS reason,
       NULL::bigint AS winner, document ->> 'week_id' AS document_label,
       ARRAY[
           pg_temp.change_of(rule, 'week_id', j ->> 'week_id', week::text),
           pg_temp.change_of('blanks_cut', 'model', j ->> 'model', model),
           CASE WHEN j ? 'account' THEN pg_temp.change_of('case_changed', 'account', j ->> 'account', account)
                ELSE ROW('account_found', 'account', NULL, account)::pg_temp.change END,
           pg_temp.encoding_change('pitch_data', j -> 'pitch_data'),
           CASE
               WHEN document ->> 'week_id' IS NULL THEN ROW('key_added', 'pitch_data.week_id', NULL, week::text)::pg_temp.change
               WHEN document_week IS DISTINCT FROM week THEN
                   pg_temp.change_of('document_of_other_week', 'pitch_data.week_id', document ->> 'week_id', week::text)
               ELSE pg_temp.change_of(document_rule, 'pitch_data.week_id', document ->> 'week_id', week::text)
           END,
           CASE WHEN d2 IS DISTINCT FROM d1 THEN
               ROW('number_was_text', 'pitch_data.conviction', document ->> 'conviction', d2 ->> 'conviction')::pg_temp.change END,
           pg_temp.change_of('case_changed', 'pitch_data.selected_instrument', document ->> 'selected_instrument', d3 ->> 'selected_instrument'),
           pg_temp.change_of('case_changed', 'pitch_data.instrument', document ->> 'instrument', d3 ->> 'instrument'),
           pg_temp.change_of('case_changed', 'pitch_data.model_info.account', document #>> '{model_info,account}', d4 #>> '{model_info,account}'),
           CASE WHEN research_rule = 'instant_rewritten' OR j ->> 'research_date' IS NULL THEN NULL ELSE
               pg_temp.change_of(research_rule, 'research_date', j ->> 'research_date', research_date::text) END,
           CASE WHEN j ->> 'research_date' ~ '^\s*$' THEN ROW('empty_instant', 'research_date', j ->> 'research_date', NULL)::pg_temp.change END,
           CASE WHEN j ? 'instrument' THEN pg_temp.differs('instrument', upper(j ->> 'instrument'), COALESCE(d4 ->> 'selected_instrument', d4 ->> 'instrument')) END,
           CASE WHEN j ? 'direction' THEN pg_temp.differs('direction', upper(j ->> 'direction'), d4 ->> 'direction') END,
           CASE WHEN j ? 'conviction' AND COALESCE(pg_temp.number(j ->> 'conviction'), 0) IS DISTINCT FROM COALESCE(pg_temp.number(d4 ->> 'conviction'), 0)
               THEN ROW('column_differs', 'conviction', j ->> 'conviction', d4 ->> 'conviction')::pg_temp.change END,
           pg_temp.time_change('created_at', j ->> 'created_at', pg_temp.time_of(j ->> 'created_at'))
       ] AS changes
FROM (
    SELECT old.n, key, j, label.week, label.rule, document, in_document.week AS document_week, in_document.rule AS document_rule,
           pg_temp.no_document(document) AS problem, pg_temp.model(j ->> 'model') AS model, named_account,
           pg_temp.account(named_account) AS account, research.at AS research_date, research.value AS research_value,
           research.rule AS research_rule, d1, d2, d3, d4
    FROM (SELECT *, pg_temp.document(j -> 'pitch_data') AS document FROM pg_temp.old_pm_pitches OFFSET 0) AS old
    JOIN pg_temp.pitch_research AS research USING (n)
    LEFT JOIN pg_temp.label ON label.label = j ->> 'week_id'
    LEFT JOIN pg_temp.label AS in_document ON in_document.label = document ->> 'week_id'
    CROSS JOIN LATERAL (
        SELECT COALESCE(
            CASE WHEN j ? 'account' THEN j ->> 'account' ELSE document #>> '{model_info,account}' END,
            current_setting('adopt.accounts')::jsonb ->> (j ->> 'model')
        ) AS named_account
    ) AS named
    CROSS JOIN LATERAL (SELECT pg_temp.with_text(document, 'week_id', label.week::text) AS d1) AS one
    CROSS JOIN LATERAL (
        SELECT CASE
            WHEN jsonb_typeof(d1 -> 'conviction') = 'string' AND abs(pg_temp.number(d1 ->> 'conviction')) < 1000
            THEN jsonb_set(d1, '{conviction}', to_jsonb(pg_temp.number(d1 ->> 'conviction')))
            ELSE d1
        END AS d2
    ) AS two
    CROSS JOIN LATERAL (SELECT pg_temp.upper_text(pg_temp.upper_text(d2, '{selected_instrument}'), '{instrument}') AS d3) AS three
    CROSS JOIN LATERAL (
        SELECT CASE
            WHEN pg_temp.account(d3 #>> '{model_info,account}') IS NOT NULL THEN
                jsonb_set(d3, '{model_info,account}', to_jsonb(pg_temp.account(d3 #>> '{model_info,account}')))
            ELSE d3
        END AS d4
    ) AS four
    OFFSET 0
) AS read;

CREATE TEMP TABLE new_chairman_decisions ON COMMIT DROP AS
SELECT n, key, id, week AS week_id, d3 AS decision_data, research_date,
       pg_temp.time_of(j ->> 'created_at') AS created_at, pg_temp.time_of(j ->> 'created_at') AS updated_at,
       CASE
           WHEN week IS NULL THEN 'week_unknown' WHEN problem IS NOT NULL THEN 'document_form'
           WHEN research_date IS NULL AND btrim(j ->> 'research_date') <> '' THEN 'instant_form'
       END AS code,
       CASE
           WHEN week IS NULL THEN 'week_id' WHEN problem IS NOT NULL THEN 'decision_data'
           WHEN research_date IS NULL AND btrim(j ->> 'research_date') <> '' THEN 'research_date'
       END AS field,
       CASE WHEN week IS NULL THEN 'the label names no week' WHEN problem IS NOT NULL THEN problem ELSE 'no instant in the years 1 to 9999' END AS reason,
       NULL::bigint AS winner,
       ARRAY[
           pg_temp.change_of(rule, 'week_id', j ->> 'week_id', week::text),
           pg_temp.encoding_change('decision_data', j -> 'decision_data'),
           CASE
               WHEN document ->> 'week_id' IS NULL THEN ROW('key_added', 'decision_data.week_id', NULL, week::text)::pg_temp.change
               WHEN document_week IS DISTINCT FROM week THEN
                   pg_temp.change_of('document_of_other_week', 'decision_data.week_id', document ->> 'week_id', week::text)
               ELSE pg_temp.change_of(document_rule, 'decision_data.week_id', document ->> 'week_id', week::text)
           END,
           CASE WHEN d2 IS DISTINCT FROM d1 THEN
               ROW('key_added', 'decision_data.decision_id', document ->> 'decision_id', d2 ->> 'decision_id')::pg_temp.change END,
           CASE WHEN d3 IS DISTINCT FROM d2 THEN ROW('key_added', 'decision_data.model', NULL, d3 ->> 'model')::pg_temp.change END,
           CASE WHEN pg_temp.is_naive(j ->> 'research_date') THEN
               pg_temp.change_of('instant_taken_as_utc', 'research_date', j ->> 'research_date', research_date::text) END,
           pg_temp.time_change('created_at', j ->> 'created_at', pg_temp.time_of(j ->> 'created_at'))
       ] AS changes
FROM (
    SELECT old.n, key, j, id, label.week, label.rule, document, in_document.week AS document_week, in_document.rule AS document_rule,
           pg_temp.no_document(document) AS problem, pg_temp.instant(j ->> 'research_date') AS research_date, d1, d2, d3
    FROM (
        SELECT *, pg_temp.document(j -> 'decision_data') AS document, pg_temp.uuid(j ->> 'id') AS id
        FROM pg_temp.old_chairman_decisions OFFSET 0
    ) AS old
    LEFT JOIN pg_temp.label ON label.label = j ->> 'week_id'
    LEFT JOIN pg_temp.label AS in_document ON in_document.label = document ->> 'week_id'
    CROSS JOIN LATERAL (SELECT pg_temp.with_text(document, 'week_id', label.week::text) AS d1) AS one
    CROSS JOIN LATERAL (
        SELECT CASE WHEN jsonb_typeof(d1 -> 'decision_id') = 'string' THEN d1
               ELSE pg_temp.with_text(d1, 'decision_id', COALESCE(id::text, j ->> 'id', key)) END AS d2
    ) AS two
    CROSS JOIN LATERAL (
        SELECT CASE WHEN j ->> 'model' <> '' AND NOT d2 ? 'model' THEN pg_temp.with_text(d2, 'model', j ->> 'model') ELSE d2 END AS d3
    ) AS three
    OFFSET 0
) AS read;
