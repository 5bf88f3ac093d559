-- The tables as the programs of the Python layer know them, for a session with `search_path = compat, public`: names, columns and
-- types of before over the tables of now. What fits a table of now unchanged (daily_bars, hourly_snapshots, the two tables of
-- returns) is found in its own schema.
--
-- Writes go through triggers with the rules of the tables. A row that the tables refuse is an error; an INSERT of a row that is
-- there replaces it and keeps its id; the DELETE that used to come before such an INSERT removes nothing, and says so.

CREATE SCHEMA compat;
COMMENT ON SCHEMA compat IS 'The tables as the programs of the Python layer know them: search_path = compat, public.';

-- Weeks --------------------------------------------------------------------------------------------------------------

CREATE FUNCTION compat.week_text(week week_id) RETURNS varchar
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$ SELECT to_char(week::timestamp, 'YYYY-MM-DD')::varchar $$;
COMMENT ON FUNCTION compat.week_text IS 'The week as text, whatever the DateStyle.';

CREATE FUNCTION compat.week_of(label text) RETURNS week_id
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path FROM CURRENT
AS $$
DECLARE
    day date;
BEGIN
    BEGIN
        day := CASE WHEN label ~ '^[0-9]{4}-[0-9]{2}-[0-9]{2}$' THEN label::date END;
    EXCEPTION
        WHEN datetime_field_overflow THEN NULL;
    END;
    IF day IS NULL THEN
        RAISE EXCEPTION 'week_id: must be a date, such as 2026-01-07' USING ERRCODE = 'check_violation';
    END IF;
    IF extract(isodow FROM day) <> 3 THEN
        -- A Monday begins the calendar week that is traded from its Wednesday on.
        RAISE EXCEPTION 'week_id: % is a %; a week is named by its Wednesday, here %', label, to_char(day, 'FMDay'),
            CASE extract(isodow FROM day)
                WHEN 1 THEN day + 2
                ELSE day - (extract(isodow FROM day)::integer + 4) % 7
            END
            USING ERRCODE = 'check_violation';
    END IF;
    RETURN day;
END
$$;
COMMENT ON FUNCTION compat.week_of IS 'The week that a text names.';

CREATE FUNCTION compat.get_week_id() RETURNS varchar
LANGUAGE sql STABLE PARALLEL SAFE
AS $$
    SELECT to_char(today - (extract(isodow FROM today)::integer + 4) % 7, 'YYYY-MM-DD')::varchar
    FROM (SELECT (now() AT TIME ZONE 'UTC')::date) AS utc (today)
$$;
COMMENT ON FUNCTION compat.get_week_id IS 'The week of now: the most recent Wednesday (UTC).';

-- What the tables do not check by themselves ---------------------------------------------------------------------------

CREATE FUNCTION compat.same(what text, "column" text, document text) RETURNS void
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
AS $$
BEGIN
    IF "column" <> document THEN
        RAISE EXCEPTION '%: the column has % and the document %', what, "column", document USING ERRCODE = 'check_violation';
    END IF;
END
$$;
COMMENT ON FUNCTION compat.same IS 'Refuses a row whose column says something else than its document.';

CREATE FUNCTION compat.keep() RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
    RAISE WARNING '%: nothing was deleted; the INSERT that follows replaces the row and keeps its id', TG_TABLE_NAME;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION compat.keep IS 'Lets a DELETE pass that an INSERT follows, and deletes nothing.';

CREATE FUNCTION compat.refuse() RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
    RAISE EXCEPTION 'compat.% takes no %', TG_TABLE_NAME, TG_OP
        USING ERRCODE = 'feature_not_supported', HINT = TG_ARGV[0];
END
$$;
COMMENT ON FUNCTION compat.refuse IS 'Refuses what the programs of the Python layer never did.';

-- Research -------------------------------------------------------------------------------------------------------------

CREATE VIEW compat.research_reports AS
SELECT id::uuid, compat.week_text(week_id) AS week_id, provider::varchar(20), model::varchar(100), natural_language,
       structured_json::jsonb, status::varchar(20), error_message, generated_at, created_at
FROM research_reports;
ALTER VIEW compat.research_reports ALTER COLUMN id SET DEFAULT gen_random_uuid();
ALTER VIEW compat.research_reports ALTER COLUMN status SET DEFAULT 'pending';
ALTER VIEW compat.research_reports ALTER COLUMN created_at SET DEFAULT now();

-- The triggers run with the rights of their owner, as views do: whoever may write the view need not be able to write the table.
CREATE FUNCTION compat.save_report() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER
SET search_path FROM CURRENT
AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        INSERT INTO research_reports (
            id, week_id, provider, model, natural_language, structured_json, status, error_message, generated_at, created_at
        )
        VALUES (
            NEW.id, compat.week_of(NEW.week_id), NEW.provider, NEW.model, NEW.natural_language, NEW.structured_json, NEW.status,
            NEW.error_message, NEW.generated_at, NEW.created_at
        );
        RETURN NEW;
    END IF;
    UPDATE research_reports
    SET id = NEW.id,
        week_id = compat.week_of(NEW.week_id),
        provider = NEW.provider,
        model = NEW.model,
        natural_language = NEW.natural_language,
        structured_json = NEW.structured_json,
        status = NEW.status,
        error_message = NEW.error_message,
        generated_at = NEW.generated_at,
        created_at = NEW.created_at
    WHERE id = OLD.id;
    RETURN NEW;
END
$$;
CREATE TRIGGER save INSTEAD OF INSERT OR UPDATE ON compat.research_reports FOR EACH ROW EXECUTE FUNCTION compat.save_report();
CREATE TRIGGER refuse INSTEAD OF DELETE ON compat.research_reports FOR EACH ROW EXECUTE FUNCTION compat.refuse('reports are kept');

-- The council ----------------------------------------------------------------------------------------------------------

CREATE VIEW compat.pm_pitches AS
SELECT id::uuid, compat.week_text(week_id) AS week_id, model::varchar(100), account::varchar(20), pitch_data::jsonb,
       instrument::varchar(10), direction::varchar(10), conviction::numeric(4, 2), research_date, created_at
FROM pm_pitches;
ALTER VIEW compat.pm_pitches ALTER COLUMN id SET DEFAULT gen_random_uuid();
ALTER VIEW compat.pm_pitches ALTER COLUMN created_at SET DEFAULT now();

CREATE FUNCTION compat.save_pitch() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER
SET search_path FROM CURRENT
AS $$
DECLARE
    week week_id := compat.week_of(NEW.week_id);
BEGIN
    PERFORM compat.same('pitch_data.week_id', NEW.week_id, NEW.pitch_data ->> 'week_id');
    PERFORM compat.same('pitch_data.direction', NEW.direction, NEW.pitch_data ->> 'direction');
    PERFORM compat.same('pitch_data.instrument', NEW.instrument,
        COALESCE(NEW.pitch_data ->> 'selected_instrument', NEW.pitch_data ->> 'instrument'));
    IF jsonb_typeof(NEW.pitch_data -> 'conviction') = 'number' AND NEW.conviction <> (NEW.pitch_data ->> 'conviction')::numeric THEN
        PERFORM compat.same('pitch_data.conviction', NEW.conviction::text, NEW.pitch_data ->> 'conviction');
    END IF;
    INSERT INTO pm_pitches AS stored (id, week_id, model, account, pitch_data, research_date, created_at, updated_at)
    VALUES (
        NEW.id, week, NEW.model, NEW.account, jsonb_build_object('week_id', NEW.week_id) || NEW.pitch_data, NEW.research_date,
        NEW.created_at, now()
    )
    ON CONFLICT (week_id, model, research_date) DO UPDATE
    SET account = EXCLUDED.account,
        pitch_data = EXCLUDED.pitch_data,
        updated_at = EXCLUDED.updated_at
    WHERE (stored.account, stored.pitch_data) IS DISTINCT FROM (EXCLUDED.account, EXCLUDED.pitch_data);
    SELECT id, created_at
    INTO NEW.id, NEW.created_at
    FROM pm_pitches
    WHERE week_id = week AND model = NEW.model AND research_date IS NOT DISTINCT FROM NEW.research_date;
    RETURN NEW;
END
$$;
CREATE TRIGGER save INSTEAD OF INSERT ON compat.pm_pitches FOR EACH ROW EXECUTE FUNCTION compat.save_pitch();
CREATE TRIGGER keep INSTEAD OF DELETE ON compat.pm_pitches FOR EACH ROW EXECUTE FUNCTION compat.keep();
CREATE TRIGGER refuse INSTEAD OF UPDATE ON compat.pm_pitches FOR EACH ROW
    EXECUTE FUNCTION compat.refuse('INSERT the pitch again: it replaces the one of its week, model and research');

CREATE VIEW compat.peer_reviews AS
SELECT id::uuid, compat.week_text(week_id) AS week_id, pitch_id::uuid, reviewer_model::varchar(100), pitch_label::varchar(10),
       review_data::jsonb, research_date, created_at
FROM peer_reviews;
ALTER VIEW compat.peer_reviews ALTER COLUMN id SET DEFAULT gen_random_uuid();
ALTER VIEW compat.peer_reviews ALTER COLUMN created_at SET DEFAULT now();

CREATE FUNCTION compat.save_review() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER
SET search_path FROM CURRENT
AS $$
BEGIN
    PERFORM compat.same('review_data.pitch_label', NEW.pitch_label, NEW.review_data ->> 'pitch_label');
    IF EXISTS (SELECT FROM pm_pitches WHERE id = NEW.pitch_id AND model = NEW.reviewer_model) THEN
        RAISE EXCEPTION 'reviews: % reviewed the own pitch', NEW.reviewer_model USING ERRCODE = 'check_violation';
    END IF;
    INSERT INTO peer_reviews AS stored (
        id, week_id, pitch_id, reviewer_model, pitch_label, review_data, research_date, created_at, updated_at
    )
    VALUES (
        NEW.id, compat.week_of(NEW.week_id), NEW.pitch_id, NEW.reviewer_model, NEW.pitch_label, NEW.review_data, NEW.research_date,
        NEW.created_at, now()
    )
    ON CONFLICT (pitch_id, week_id, reviewer_model) DO UPDATE
    SET pitch_label = EXCLUDED.pitch_label,
        review_data = EXCLUDED.review_data,
        research_date = EXCLUDED.research_date,
        updated_at = EXCLUDED.updated_at
    WHERE (stored.pitch_label, stored.review_data, stored.research_date)
        IS DISTINCT FROM (EXCLUDED.pitch_label, EXCLUDED.review_data, EXCLUDED.research_date);
    SELECT id, created_at
    INTO NEW.id, NEW.created_at
    FROM peer_reviews
    WHERE pitch_id = NEW.pitch_id AND reviewer_model = NEW.reviewer_model;
    RETURN NEW;
END
$$;
CREATE TRIGGER save INSTEAD OF INSERT ON compat.peer_reviews FOR EACH ROW EXECUTE FUNCTION compat.save_review();
CREATE TRIGGER keep INSTEAD OF DELETE ON compat.peer_reviews FOR EACH ROW EXECUTE FUNCTION compat.keep();
CREATE TRIGGER refuse INSTEAD OF UPDATE ON compat.peer_reviews FOR EACH ROW
    EXECUTE FUNCTION compat.refuse('INSERT the review again: it replaces the one of its pitch and reviewer');

CREATE VIEW compat.chairman_decisions AS
SELECT id::uuid, compat.week_text(week_id) AS week_id, decision_data::jsonb, research_date, created_at
FROM chairman_decisions;
ALTER VIEW compat.chairman_decisions ALTER COLUMN id SET DEFAULT gen_random_uuid();
ALTER VIEW compat.chairman_decisions ALTER COLUMN created_at SET DEFAULT now();

CREATE FUNCTION compat.save_decision() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER
SET search_path FROM CURRENT
AS $$
DECLARE
    week week_id := compat.week_of(NEW.week_id);
BEGIN
    PERFORM compat.same('decision_data.week_id', NEW.week_id, NEW.decision_data ->> 'week_id');
    INSERT INTO chairman_decisions AS stored (id, week_id, decision_data, research_date, created_at, updated_at)
    VALUES (
        NEW.id, week, jsonb_build_object('week_id', NEW.week_id, 'decision_id', NEW.id) || NEW.decision_data, NEW.research_date,
        NEW.created_at, now()
    )
    ON CONFLICT (week_id, research_date) DO UPDATE
    -- A document that was given no id of its own has that of the row.
    SET decision_data = jsonb_build_object('week_id', NEW.week_id, 'decision_id', stored.id) || NEW.decision_data,
        updated_at = EXCLUDED.updated_at
    WHERE stored.decision_data
        IS DISTINCT FROM (jsonb_build_object('week_id', NEW.week_id, 'decision_id', stored.id) || NEW.decision_data)::decision_document;
    SELECT id, created_at
    INTO NEW.id, NEW.created_at
    FROM chairman_decisions
    WHERE week_id = week AND research_date IS NOT DISTINCT FROM NEW.research_date;
    RETURN NEW;
END
$$;
CREATE TRIGGER save INSTEAD OF INSERT ON compat.chairman_decisions FOR EACH ROW EXECUTE FUNCTION compat.save_decision();
CREATE TRIGGER keep INSTEAD OF DELETE ON compat.chairman_decisions FOR EACH ROW EXECUTE FUNCTION compat.keep();
CREATE TRIGGER refuse INSTEAD OF UPDATE ON compat.chairman_decisions FOR EACH ROW
    EXECUTE FUNCTION compat.refuse('INSERT the decision again: it replaces the one of its week and research');

-- The journal ----------------------------------------------------------------------------------------------------------

CREATE VIEW compat.execution_events AS
SELECT id::uuid, compat.week_text(week_id) AS week_id, event_type::varchar(50), account::varchar(20),
       -- The type stood in its column only.
       event_data::jsonb - 'event_type' AS event_data, occurred_at, created_at
FROM execution_events;
ALTER VIEW compat.execution_events ALTER COLUMN id SET DEFAULT gen_random_uuid();
ALTER VIEW compat.execution_events ALTER COLUMN created_at SET DEFAULT now();

CREATE FUNCTION compat.append_event() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER
SET search_path FROM CURRENT
AS $$
BEGIN
    PERFORM compat.same('event_data.event_type', NEW.event_type, NEW.event_data ->> 'event_type');
    IF NEW.event_type <> upper(NEW.event_type) AND upper(NEW.event_type) IN ('ENTRY', 'EXIT', 'VOID', 'CORRECTION') THEN
        RAISE EXCEPTION 'event_type: % is not known; % is', NEW.event_type, upper(NEW.event_type) USING ERRCODE = 'check_violation';
    END IF;
    INSERT INTO execution_events (id, week_id, account, event_data, occurred_at, created_at)
    VALUES (
        NEW.id, compat.week_of(NEW.week_id), NEW.account, NEW.event_data || jsonb_build_object('event_type', NEW.event_type),
        NEW.occurred_at, NEW.created_at
    );
    RETURN NEW;
END
$$;
CREATE TRIGGER append INSTEAD OF INSERT ON compat.execution_events FOR EACH ROW EXECUTE FUNCTION compat.append_event();
CREATE TRIGGER refuse INSTEAD OF UPDATE OR DELETE ON compat.execution_events FOR EACH ROW
    EXECUTE FUNCTION compat.refuse('the journal is only added to: `llm-trading-db void-event` and `correct-event` put right what is wrong');

-- Market data ----------------------------------------------------------------------------------------------------------

CREATE VIEW compat.fetch_log AS
SELECT id::uuid, fetch_type::varchar(50), symbol::varchar(10), status::varchar(20), error_message, timestamp
FROM fetch_log;
ALTER VIEW compat.fetch_log ALTER COLUMN id SET DEFAULT gen_random_uuid();
ALTER VIEW compat.fetch_log ALTER COLUMN timestamp SET DEFAULT now();

CREATE FUNCTION compat.append_fetch() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER
SET search_path FROM CURRENT
AS $$
BEGIN
    NEW.fetch_type := CASE
        WHEN NEW.fetch_type IN ('seed', 'daily_close') THEN 'daily'
        WHEN NEW.fetch_type = 'hourly_snapshot' THEN 'hourly'
        ELSE NEW.fetch_type
    END;
    IF NEW.status = 'error' THEN
        NEW.error_message := COALESCE(NEW.error_message, 'no message was given');
    END IF;
    INSERT INTO fetch_log (id, fetch_type, symbol, status, error_message, timestamp)
    VALUES (NEW.id, NEW.fetch_type, NEW.symbol, NEW.status, NEW.error_message, NEW.timestamp);
    RETURN NEW;
END
$$;
CREATE TRIGGER append INSTEAD OF INSERT ON compat.fetch_log FOR EACH ROW EXECUTE FUNCTION compat.append_fetch();
CREATE TRIGGER refuse INSTEAD OF UPDATE OR DELETE ON compat.fetch_log FOR EACH ROW EXECUTE FUNCTION compat.refuse('the log is only added to');

CREATE FUNCTION compat.upsert_daily_bar(
    p_symbol varchar, p_date date, p_open numeric, p_high numeric, p_low numeric, p_close numeric, p_volume bigint
) RETURNS void
LANGUAGE sql
SET search_path FROM CURRENT
AS $$
    INSERT INTO daily_bars (symbol, date, open, high, low, close, volume)
    VALUES (p_symbol, p_date, p_open, p_high, p_low, p_close, p_volume)
    ON CONFLICT (symbol, date) DO UPDATE
    SET open = EXCLUDED.open,
        high = EXCLUDED.high,
        low = EXCLUDED.low,
        close = EXCLUDED.close,
        volume = EXCLUDED.volume,
        updated_at = now()
$$;
COMMENT ON FUNCTION compat.upsert_daily_bar IS 'Stores a bar, or replaces the one of that symbol and day.';

-- Views without a trigger are updated as their tables are, so that ON CONFLICT finds the tables' keys. Each gives a default to
-- what the old writers do not name.

CREATE VIEW compat.correlation_matrix AS
SELECT date, symbol_1, symbol_2, correlation, created_at, window_rows
FROM correlation_matrix;
ALTER VIEW compat.correlation_matrix ALTER COLUMN window_rows SET DEFAULT 30;
ALTER VIEW compat.correlation_matrix ALTER COLUMN created_at SET DEFAULT now();

CREATE VIEW compat.account_performance AS
SELECT id, account, weeks_lookback, total_return, sharpe_ratio, max_drawdown, volatility, weeks_traded, profitable_weeks, win_rate,
       avg_conviction, max_conviction, calculated_at, created_at, updated_at
FROM account_performance;
ALTER VIEW compat.account_performance ALTER COLUMN id SET DEFAULT gen_random_uuid();
ALTER VIEW compat.account_performance ALTER COLUMN total_return SET DEFAULT 0;
ALTER VIEW compat.account_performance ALTER COLUMN weeks_traded SET DEFAULT 0;
ALTER VIEW compat.account_performance ALTER COLUMN profitable_weeks SET DEFAULT 0;
ALTER VIEW compat.account_performance ALTER COLUMN created_at SET DEFAULT now();
ALTER VIEW compat.account_performance ALTER COLUMN updated_at SET DEFAULT now();

CREATE VIEW compat.market_condition_performance AS
SELECT id, condition_type, condition_value, account, weeks_in_condition, avg_return, avg_sharpe, win_rate, weeks_lookback,
       calculated_at, created_at, updated_at
FROM market_condition_performance;
ALTER VIEW compat.market_condition_performance ALTER COLUMN id SET DEFAULT gen_random_uuid();
ALTER VIEW compat.market_condition_performance ALTER COLUMN weeks_in_condition SET DEFAULT 0;
ALTER VIEW compat.market_condition_performance ALTER COLUMN created_at SET DEFAULT now();
ALTER VIEW compat.market_condition_performance ALTER COLUMN updated_at SET DEFAULT now();

CREATE VIEW compat.users AS SELECT id, name, email, active, age, created_at FROM users;
ALTER VIEW compat.users ALTER COLUMN id SET DEFAULT gen_random_uuid();
ALTER VIEW compat.users ALTER COLUMN active SET DEFAULT true;
ALTER VIEW compat.users ALTER COLUMN created_at SET DEFAULT now();

CREATE VIEW compat.accounts AS SELECT id, balance, created_at FROM accounts;
ALTER VIEW compat.accounts ALTER COLUMN id SET DEFAULT gen_random_uuid();
ALTER VIEW compat.accounts ALTER COLUMN created_at SET DEFAULT now();

CREATE VIEW compat.logs AS SELECT id, level, message, data, created_at FROM logs;
ALTER VIEW compat.logs ALTER COLUMN id SET DEFAULT gen_random_uuid();
ALTER VIEW compat.logs ALTER COLUMN level SET DEFAULT 'INFO';
ALTER VIEW compat.logs ALTER COLUMN created_at SET DEFAULT now();

-- Performance ----------------------------------------------------------------------------------------------------------

CREATE VIEW compat.weekly_performance AS
SELECT account::varchar(20), compat.week_text(week_id) AS week_id, week_start, week_end, weekly_return::numeric(12, 6),
       weekly_volatility::numeric(12, 6), instrument::varchar(10), direction::varchar(10), entry_conviction::numeric(4, 2),
       exit_conviction::numeric(4, 2), entry_price::numeric(12, 4), exit_price::numeric(12, 4), position_size,
       realized_pnl::numeric(12, 2), fees::numeric(12, 2), net_pnl::numeric(12, 2), entry_reason, exit_reason, panic_exit,
       market_regime, calculated_at, created_at, updated_at
FROM weekly_performance;
CREATE TRIGGER refuse INSTEAD OF INSERT OR UPDATE OR DELETE ON compat.weekly_performance FOR EACH ROW
    EXECUTE FUNCTION compat.refuse('`llm-trading-db performance` makes the weeks from the journal');

-- The views of before --------------------------------------------------------------------------------------------------

CREATE VIEW compat.v_latest_daily AS
SELECT DISTINCT ON (symbol)
       symbol::varchar(10), date, open::numeric(12, 4), high::numeric(12, 4), low::numeric(12, 4), close::numeric(12, 4),
       volume::bigint
FROM daily_bars
ORDER BY symbol, date DESC;

-- A report that the provider never dated counts by the time when it was stored.
CREATE VIEW compat.v_latest_research AS
SELECT DISTINCT ON (week_id, provider)
       week_id, provider, model, natural_language, structured_json, status, generated_at
FROM compat.research_reports
ORDER BY week_id, provider, COALESCE(generated_at, created_at) DESC;

CREATE VIEW compat.v_weekly_pitches AS
SELECT pitch.id, pitch.week_id, pitch.model, pitch.account, pitch.instrument, pitch.direction, pitch.conviction,
       (SELECT count(*) FROM peer_reviews AS review WHERE review.pitch_id = pitch.id) AS review_count
FROM compat.pm_pitches AS pitch
ORDER BY pitch.conviction DESC;

CREATE VIEW compat.v_account_history AS
SELECT week_id, account, event_type, event_data, occurred_at
FROM compat.execution_events
ORDER BY occurred_at DESC;

CREATE VIEW compat.v_leaderboard_all_time AS
SELECT row_number() OVER (ORDER BY total_return DESC, account) AS rank, account::varchar(20), total_return::numeric(12, 6),
       sharpe_ratio::numeric(12, 6), max_drawdown::numeric(12, 6), volatility::numeric(12, 6), win_rate::numeric(5, 4),
       weeks_traded, profitable_weeks, calculated_at
FROM account_performance
WHERE weeks_lookback IS NULL
ORDER BY rank;

CREATE VIEW compat.v_leaderboard_4w AS
SELECT row_number() OVER (ORDER BY total_return DESC, account) AS rank, account::varchar(20), total_return::numeric(12, 6),
       sharpe_ratio::numeric(12, 6), max_drawdown::numeric(12, 6), volatility::numeric(12, 6), win_rate::numeric(5, 4),
       weeks_traded, profitable_weeks, calculated_at
FROM account_performance
WHERE weeks_lookback = 4
ORDER BY rank;

CREATE VIEW compat.v_leaderboard_8w AS
SELECT row_number() OVER (ORDER BY total_return DESC, account) AS rank, account::varchar(20), total_return::numeric(12, 6),
       sharpe_ratio::numeric(12, 6), max_drawdown::numeric(12, 6), volatility::numeric(12, 6), win_rate::numeric(5, 4),
       weeks_traded, profitable_weeks, calculated_at
FROM account_performance
WHERE weeks_lookback = 8
ORDER BY rank;

CREATE VIEW compat.v_council_vs_individuals AS
SELECT CASE account WHEN 'COUNCIL' THEN 'Council' WHEN 'BASELINE' THEN 'Baseline' ELSE 'Individual PM' END AS strategy_type,
       account::varchar(20), total_return::numeric(12, 6), sharpe_ratio::numeric(12, 6), max_drawdown::numeric(12, 6),
       win_rate::numeric(5, 4), weeks_traded
FROM account_performance
WHERE weeks_lookback IS NULL
ORDER BY CASE account WHEN 'COUNCIL' THEN 1 WHEN 'BASELINE' THEN 3 ELSE 2 END, total_return DESC, account;
