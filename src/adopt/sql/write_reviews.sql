-- Writes the reviews.
SELECT pg_temp.apply_verdicts('peer_reviews', 'review_data');
SELECT pg_temp.supersede('peer_reviews', 'id', 'created_at DESC, n');
SELECT pg_temp.supersede('peer_reviews', 'pitch_id, reviewer_model', 'created_at DESC, id DESC');
SELECT pg_temp.put('peer_reviews', 'id, week_id, pitch_id, reviewer_model, pitch_label, review_data, research_date, created_at, updated_at') AS told, repeat(' ', 8192) AS flush;
SELECT pg_temp.settle('peer_reviews');
SELECT pg_temp.map_ids('peer_reviews');
