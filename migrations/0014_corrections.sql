-- What was recorded wrongly is corrected by another event, and a job that cannot believe an account says so.

-- Shapes of their own for the two events that are about another one. NOT VALID: events of these types from before stay as they are.
ALTER DOMAIN event_document ADD CONSTRAINT event_document_correction CHECK (VALUE IS NULL OR (
    CASE
        WHEN VALUE ->> 'event_type' NOT IN ('VOID', 'CORRECTION') THEN true
        ELSE VALUE ->> 'event_id' ~ '^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$'
            AND jsonb_typeof(VALUE -> 'event_id') = 'string'
            AND jsonb_typeof(VALUE -> 'reason') = 'string'
    END
    AND CASE
        WHEN VALUE ->> 'event_type' <> 'CORRECTION' THEN true
        WHEN VALUE #>> '{event,event_type}' NOT IN ('ENTRY', 'EXIT') THEN false
        WHEN jsonb_typeof(VALUE #> '{event,price}') = 'number' THEN (VALUE #>> '{event,price}')::numeric > 0
        ELSE false
    END
    AND CASE
        WHEN VALUE ->> 'event_type' <> 'CORRECTION' OR VALUE #>> '{event,event_type}' <> 'ENTRY' THEN true
        WHEN jsonb_typeof(VALUE #> '{event,conviction}') = 'number' THEN
            VALUE #>> '{event,direction}' IN ('LONG', 'SHORT', 'FLAT')
            AND (VALUE #>> '{event,conviction}')::numeric BETWEEN -2 AND 2
            AND scale(trim_scale((VALUE #>> '{event,conviction}')::numeric)) <= 2
        ELSE false
    END
) IS TRUE) NOT VALID;

ALTER TABLE execution_events
    -- Null also in an event of these types that has another shape, from before.
    ADD COLUMN corrects event_id GENERATED ALWAYS AS (
        CASE
            WHEN event_data ->> 'event_type' IN ('VOID', 'CORRECTION')
                AND event_data ->> 'event_id' ~ '^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$'
            THEN (event_data ->> 'event_id')::uuid
        END
    ) STORED,
    -- Each event is replaced at most once: whoever wants to correct a correction names that one.
    ADD CONSTRAINT execution_events_corrects_key UNIQUE (corrects),
    -- Deferrable: in a file, newest first, the correction comes before what it corrects.
    ADD CONSTRAINT execution_events_corrects_fkey FOREIGN KEY (corrects) REFERENCES execution_events (id) DEFERRABLE,
    ADD CONSTRAINT execution_events_corrects_another CHECK (corrects <> id);
COMMENT ON COLUMN execution_events.corrects IS 'Event that this one voids or replaces; NULL for all others.';

DO $$
BEGIN
    ALTER DOMAIN event_document VALIDATE CONSTRAINT event_document_correction;
EXCEPTION
    WHEN check_violation THEN
        RAISE NOTICE 'events of the types VOID or CORRECTION from before stay as they are; they correct nothing';
END
$$;

CREATE DOMAIN problem_id AS uuid;
COMMENT ON DOMAIN problem_id IS 'Identifies a row of performance_problems.';

CREATE TABLE performance_problems (
    id              problem_id  NOT NULL,
    account         account     NOT NULL,
    weeks_lookback  weeks,
    week_id         week_id     NOT NULL,
    event_id        event_id    NOT NULL,
    problem         text        NOT NULL,
    found_at        timestamptz NOT NULL,
    CONSTRAINT performance_problems_pkey PRIMARY KEY (id),
    CONSTRAINT performance_problems_found_at_range
        CHECK (found_at BETWEEN TIMESTAMPTZ '0001-01-01 00:00:00+00' AND TIMESTAMPTZ '9999-12-31 23:59:59.999999+00'),
    CONSTRAINT performance_problems_event_fkey FOREIGN KEY (event_id) REFERENCES execution_events (id) ON DELETE CASCADE
);
CREATE INDEX performance_problems_lookback_idx ON performance_problems (weeks_lookback, account);
CREATE INDEX performance_problems_event_idx ON performance_problems (event_id);
COMMENT ON TABLE performance_problems IS 'What the last performance job of a lookback could not believe: these accounts were left as they were.';
COMMENT ON COLUMN performance_problems.id IS 'Made by the application.';
COMMENT ON COLUMN performance_problems.account IS 'Account that was left as it was.';
COMMENT ON COLUMN performance_problems.weeks_lookback IS 'Number of weeks looked back; NULL for all time.';
COMMENT ON COLUMN performance_problems.week_id IS 'Week of the trade.';
COMMENT ON COLUMN performance_problems.event_id IS 'Event to look at.';
COMMENT ON COLUMN performance_problems.problem IS 'What is wrong, in words.';
COMMENT ON COLUMN performance_problems.found_at IS 'Instant of the job.';
