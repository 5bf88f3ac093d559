-- Pitches that were adopted before: there, and not to be written again.
UPDATE pg_temp.new_pm_pitches AS new
SET code = 'adopted_before',
    id = COALESCE((SELECT id_map.id FROM adoption.id_map WHERE table_name = old.origin AND legacy_id = old.key), new.id)
FROM pg_temp.old_pm_pitches AS old
WHERE old.n = new.n AND NOT EXISTS (SELECT FROM pg_temp.tried WHERE table_name = old.origin AND legacy_key = old.key);
