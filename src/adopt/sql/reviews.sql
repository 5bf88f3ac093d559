-- Reviews, after it is settled which pitches are kept.

-- Which pitch of ours an old id of one means: itself, or the one that is kept in its place.
CREATE TEMP TABLE pitch_of ON COMMIT DROP AS
SELECT old.j ->> 'id' AS old_id, new.n, new.code, kept.id, kept.week_id, kept.research_date, kept.n = new.n AS is_itself,
       (new.pitch_data -> 'conviction', new.pitch_data -> 'direction', new.pitch_data -> 'thesis_bullets',
        COALESCE(new.pitch_data -> 'selected_instrument', new.pitch_data -> 'instrument'))
       IS NOT DISTINCT FROM
       (kept.pitch_data -> 'conviction', kept.pitch_data -> 'direction', kept.pitch_data -> 'thesis_bullets',
        COALESCE(kept.pitch_data -> 'selected_instrument', kept.pitch_data -> 'instrument')) AS is_equal
FROM pg_temp.new_pm_pitches AS new
JOIN pg_temp.old_pm_pitches AS old USING (n)
LEFT JOIN pg_temp.new_pm_pitches AS kept
    ON kept.n = CASE WHEN new.code = 'superseded' THEN new.winner ELSE new.n END AND COALESCE(kept.code, 'adopted_before') = 'adopted_before'
-- An id that is there twice means the one that is kept.
ORDER BY old_id, new.code NULLS FIRST, new.n;
CREATE INDEX ON pg_temp.pitch_of (old_id);

-- Pitches that were saved again got new ids, and their reviews were left behind. Nobody reviews itself: where only one pitch of a
-- round can be the one that a group of reviews is about, that one it is.
CREATE TEMP TABLE relinked (old_id text PRIMARY KEY, id uuid) ON COMMIT DROP;
-- What an earlier run found out of a group holds for those of it that were refused then.
INSERT INTO pg_temp.relinked (old_id, id)
SELECT DISTINCT was, is_now::uuid FROM adoption.changed
WHERE table_name = 'peer_reviews' AND code = 'relinked' AND field = 'pitch_id'
ON CONFLICT DO NOTHING;
DO $$
DECLARE
    sure record;
BEGIN
    CREATE TEMP TABLE lost ON COMMIT DROP AS
    SELECT DISTINCT j ->> 'pitch_id' AS old_id, week, pg_temp.instant(j ->> 'research_date') AS research_date, pitch.id, pitch.model
    FROM pg_temp.old_peer_reviews AS review
    JOIN pg_temp.label ON label = j ->> 'week_id'
    JOIN pg_temp.new_pm_pitches AS pitch
        ON pitch.week_id = week AND COALESCE(pitch.code, 'adopted_before') = 'adopted_before'
        AND (pitch.research_date IS NOT DISTINCT FROM pg_temp.instant(j ->> 'research_date') OR NOT j ? 'research_date')
    WHERE j ->> 'pitch_id' IS NOT NULL
      AND NOT EXISTS (SELECT FROM pg_temp.old_pm_pitches AS old WHERE old.j ->> 'id' = review.j ->> 'pitch_id')
      AND NOT EXISTS (SELECT FROM pg_temp.old_peer_reviews AS r JOIN pg_temp.pitch_of ON old_id = r.j ->> 'pitch_id' WHERE pitch_of.id = pitch.id)
      -- Nor any that an earlier run adopted.
      AND NOT EXISTS (SELECT FROM peer_reviews AS adopted WHERE adopted.pitch_id = pitch.id);
    DELETE FROM pg_temp.lost WHERE old_id IN (SELECT old_id FROM pg_temp.relinked);
    DELETE FROM pg_temp.lost
    USING pg_temp.old_peer_reviews AS review
    WHERE review.j ->> 'pitch_id' = old_id
      AND (btrim(review.j ->> 'reviewer_model') = model
           OR pg_temp.time_of(review.j ->> 'created_at') >= (SELECT created_at FROM pg_temp.new_pm_pitches AS p WHERE p.id = lost.id AND COALESCE(p.code, 'adopted_before') = 'adopted_before'));
    CREATE TEMP TABLE certain (old_id text, id uuid, week date, research_date timestamptz) ON COMMIT DROP;
    LOOP
        SELECT old_id, (array_agg(id))[1] AS id, (array_agg(week))[1] AS week, (array_agg(research_date))[1] AS research_date INTO sure
        FROM pg_temp.lost GROUP BY old_id HAVING count(DISTINCT id) = 1 ORDER BY old_id LIMIT 1;
        EXIT WHEN NOT FOUND;
        INSERT INTO pg_temp.certain VALUES (sure.old_id, sure.id, sure.week, sure.research_date);
        DELETE FROM pg_temp.lost WHERE old_id = sure.old_id OR id = sure.id;
    END LOOP;
    INSERT INTO pg_temp.relinked (old_id, id)
    SELECT old_id, id FROM pg_temp.certain ON CONFLICT DO NOTHING;
END
$$;

CREATE TEMP TABLE new_peer_reviews ON COMMIT DROP AS
SELECT n, key, id, week_id, pitch_id, reviewer AS reviewer_model, label AS pitch_label, d1 AS review_data, research_date,
       pg_temp.time_of(j ->> 'created_at') AS created_at, pg_temp.time_of(j ->> 'created_at') AS updated_at,
       CASE
           WHEN pitch_id IS NULL THEN why WHEN reviewer IS NULL THEN 'model_form' WHEN label IS NULL THEN 'label_form'
           WHEN problem IS NOT NULL THEN 'document_form' WHEN research_date IS NULL AND btrim(j ->> 'research_date') <> '' THEN 'instant_form'
       END AS code,
       CASE
           WHEN pitch_id IS NULL THEN 'pitch_id' WHEN reviewer IS NULL THEN 'reviewer_model' WHEN label IS NULL THEN 'pitch_label'
           WHEN problem IS NOT NULL THEN 'review_data' WHEN research_date IS NULL AND btrim(j ->> 'research_date') <> '' THEN 'research_date'
       END AS field,
       CASE
           WHEN pitch_id IS NULL THEN
               CASE why
                   WHEN 'pitch_gone' THEN 'its pitch is gone, and which one took its place cannot be told for sure'
                   WHEN 'pitch_superseded' THEN 'its pitch gave way to another one that says something else'
                   ELSE 'its pitch was refused'
               END
           WHEN reviewer IS NULL THEN 'no name of a model' WHEN label IS NULL THEN 'no label of a pitch'
           WHEN problem IS NOT NULL THEN problem ELSE 'no instant in the years 1 to 9999'
       END AS reason,
       NULL::bigint AS winner,
       ARRAY[
           pg_temp.change_of('week_of_its_pitch', 'week_id', j ->> 'week_id', week_id::text),
           pg_temp.change_of(how, 'pitch_id', lower(j ->> 'pitch_id'), pitch_id::text),
           pg_temp.change_of('blanks_cut', 'reviewer_model', j ->> 'reviewer_model', reviewer),
           pg_temp.change_of('label_lengthened', 'pitch_label', named_label, label),
           pg_temp.change_of('label_lengthened', 'review_data.pitch_label', document ->> 'pitch_label', d1 ->> 'pitch_label'),
           pg_temp.encoding_change('review_data', j -> 'review_data'),
           CASE WHEN j ? 'research_date' AND j ->> 'research_date' IS NOT NULL AND pg_temp.is_naive(j ->> 'research_date') THEN
               pg_temp.change_of('instant_taken_as_utc', 'research_date', j ->> 'research_date', research_date::text) END,
           pg_temp.time_change('created_at', j ->> 'created_at', pg_temp.time_of(j ->> 'created_at'))
       ] AS changes,
       pitch_round
FROM (
    SELECT n, key, j, pg_temp.uuid(j ->> 'id') AS id, pg_temp.model(j ->> 'reviewer_model') AS reviewer, document, d1, named_label,
           pg_temp.long_label(named_label) AS label, pg_temp.no_document(document) AS problem, pitch.*,
           CASE WHEN j ? 'research_date' THEN pg_temp.instant(j ->> 'research_date') ELSE pitch.pitch_round END AS research_date
    FROM (SELECT *, pg_temp.document(j -> 'review_data') AS document FROM pg_temp.old_peer_reviews OFFSET 0) AS old
    CROSS JOIN LATERAL (
        SELECT CASE
            WHEN pg_temp.long_label(document ->> 'pitch_label') IS NOT NULL
            THEN pg_temp.with_text(document, 'pitch_label', pg_temp.long_label(document ->> 'pitch_label')) ELSE document
        END AS d1
    ) AS one
    CROSS JOIN LATERAL (
        SELECT COALESCE(j ->> 'pitch_label', j ->> 'anonymized_pitch_label', document ->> 'pitch_label') AS named_label
    ) AS named
    LEFT JOIN LATERAL (
        SELECT CASE WHEN is_itself OR is_equal THEN pitch_of.id ELSE relinked.id END AS pitch_id,
               CASE WHEN is_itself THEN 'id_mapped' WHEN is_equal THEN 'review_moved' ELSE 'relinked' END AS how,
               CASE
                   WHEN pitch_of.old_id IS NULL THEN 'pitch_gone' WHEN pitch_of.code = 'superseded' THEN 'pitch_superseded' ELSE 'pitch_refused'
               END AS why,
               COALESCE(CASE WHEN is_itself OR is_equal THEN pitch_of.week_id END, kept.week_id) AS week_id,
               COALESCE(CASE WHEN is_itself OR is_equal THEN pitch_of.research_date END, kept.research_date) AS pitch_round
        FROM (SELECT j ->> 'pitch_id' AS wanted) AS wanted
        LEFT JOIN (SELECT DISTINCT ON (old_id) * FROM pg_temp.pitch_of ORDER BY old_id, code NULLS FIRST) AS pitch_of ON pitch_of.old_id = wanted
        LEFT JOIN pg_temp.relinked ON relinked.old_id = wanted
        LEFT JOIN pg_temp.new_pm_pitches AS kept ON kept.id = relinked.id AND COALESCE(kept.code, 'adopted_before') = 'adopted_before'
    ) AS pitch ON true
    OFFSET 0
) AS read;
INSERT INTO pg_temp.note
SELECT 'peer_reviews', 'round_differs', 'research_date', count(*)
FROM pg_temp.new_peer_reviews
WHERE code IS NULL AND research_date IS DISTINCT FROM pitch_round
HAVING count(*) > 0;
