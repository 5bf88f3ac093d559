-- An audit trail must not lose a line: what has not the shape of its type is kept as of a type that has none. Trades are no part
-- of that, since money is never guessed.
UPDATE pg_temp.new_execution_events AS new
SET event_type = left('legacy_' || event_type, 50),
    event_data = event_data || jsonb_build_object('event_type', left('legacy_' || event_type, 50)),
    changes = changes || ROW('event_renamed', 'event_type', event_type, left('legacy_' || event_type, 50))::pg_temp.change
FROM pg_temp.judged
WHERE judged.wanted = 'execution_events' AND judged.n = new.n AND NOT readable AND code IS NULL
  AND event_type NOT IN ('ENTRY', 'EXIT') AND NOT starts_with(event_type, 'legacy_');
DELETE FROM pg_temp.judged
USING pg_temp.new_execution_events AS new
WHERE judged.wanted = 'execution_events' AND judged.n = new.n AND NOT readable AND starts_with(new.event_type, 'legacy_');
