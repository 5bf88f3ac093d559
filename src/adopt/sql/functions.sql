-- What the statements of the adoption share. All of it is temporary, so a database that was adopted keeps none of it.

-- A value that is another one now, and why.
CREATE TYPE pg_temp.change AS (code text, field text, was text, is_now text);

-- NULL for what is no number; NaN and infinity are some.
CREATE FUNCTION pg_temp.number(value text) RETURNS numeric
LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE
        WHEN value ~ '^\s*[-+]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][-+]?[0-9]{1,3})?\s*$' THEN value::numeric
        WHEN value ~* '^\s*(nan|[-+]?inf(inity)?)\s*$' THEN value::numeric
    END
$$;

CREATE FUNCTION pg_temp.change_of(code text, field text, was text, is_now text) RETURNS pg_temp.change
LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE WHEN was IS DISTINCT FROM is_now THEN ROW(code, field, was, is_now)::pg_temp.change END
$$;

-- Numbers that compare as equal are the same number, however many zeros they end with.
CREATE FUNCTION pg_temp.change_of(code text, field text, was text, is_now numeric) RETURNS pg_temp.change
LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE
        WHEN pg_temp.number(was) IS NOT DISTINCT FROM is_now AND (was IS NULL OR is_now IS NOT NULL) THEN NULL
        ELSE ROW(CASE WHEN is_now IS NULL THEN code ELSE 'rounded' END, field, was, is_now::text)::pg_temp.change
    END
$$;

-- The number with so many decimals, if it is finite and within the bounds.
CREATE FUNCTION pg_temp.within(value numeric, lowest numeric, highest numeric, decimals integer) RETURNS numeric
LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE WHEN value BETWEEN lowest AND highest THEN round(value, decimals) END
$$;

CREATE FUNCTION pg_temp.price(value text) RETURNS numeric
LANGUAGE sql IMMUTABLE AS $$ SELECT pg_temp.within(pg_temp.number(value), 0, 99999999.9999, 4) $$;

-- A return or a statistic of returns.
CREATE FUNCTION pg_temp.ratio(value text) RETURNS numeric
LANGUAGE sql IMMUTABLE AS $$ SELECT pg_temp.within(pg_temp.number(value), -999999.999999, 999999.999999, 6) $$;

CREATE FUNCTION pg_temp.conviction(value text) RETURNS numeric
LANGUAGE sql IMMUTABLE AS $$ SELECT pg_temp.within(pg_temp.number(value), -2, 2, 2) $$;

-- Money is never made to fit: NULL for what is not finite, has parts of a cent, or is too large.
CREATE FUNCTION pg_temp.cents(value text, highest numeric) RETURNS numeric
LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE WHEN number BETWEEN -highest AND highest AND scale(trim_scale(number)) <= 2 THEN round(number, 2) END
    FROM pg_temp.number(value) AS number
$$;

CREATE FUNCTION pg_temp.whole(value text, lowest numeric, highest numeric) RETURNS bigint
LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE WHEN number BETWEEN lowest AND highest AND number = trunc(number) THEN number::bigint END
    FROM pg_temp.number(value) AS number
$$;

-- Python and SQLite know more words for it.
CREATE FUNCTION pg_temp.yes(value text) RETURNS boolean
LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE
        WHEN lower(btrim(value)) IN ('true', 't', '1', 'yes') THEN true
        WHEN lower(btrim(value)) IN ('false', 'f', '0', 'no') THEN false
    END
$$;

CREATE FUNCTION pg_temp.account(value text) RETURNS text
LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE WHEN upper(btrim(value)) COLLATE "C" ~ '^[A-Z][A-Z0-9_]{0,19}$' THEN upper(btrim(value)) END
$$;

CREATE FUNCTION pg_temp.symbol(value text) RETURNS text
LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE
        WHEN upper(btrim(value)) COLLATE "C" ~ '^[A-Z][A-Z0-9.-]{0,9}$' AND upper(btrim(value)) NOT IN ('FLAT', 'NONE')
        THEN upper(btrim(value))
    END
$$;

CREATE FUNCTION pg_temp.model(value text) RETURNS text
LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE WHEN btrim(value) COLLATE "C" ~ '^[A-Za-z0-9][A-Za-z0-9._:/-]{0,99}$' THEN btrim(value) END
$$;

CREATE FUNCTION pg_temp.one_line(value text, highest integer) RETURNS text
LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE WHEN length(btrim(value)) BETWEEN 1 AND highest AND value !~ '[\u0001-\u001f\u007f-\u009f]' THEN btrim(value) END
$$;

CREATE FUNCTION pg_temp.uuid(value text) RETURNS uuid
LANGUAGE sql IMMUTABLE AS $$
    SELECT substring(value FROM '([0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12})$')::uuid
$$;

-- The day, if it is in the years 1 to 9999.
CREATE FUNCTION pg_temp.any_day(value text) RETURNS date
LANGUAGE plpgsql STABLE AS $$
DECLARE
    found date;
BEGIN
    IF value ~ '^\s*\d{4}-\d{1,2}-\d{1,2}([T ](\d.*)?)?$' THEN
        found := substring(btrim(value) FROM '^\d{4}-\d{1,2}-\d{1,2}')::date;
    END IF;
    RETURN CASE WHEN found BETWEEN DATE '0001-01-01' AND DATE '9999-12-31' THEN found END;
EXCEPTION
    WHEN data_exception THEN RETURN NULL;
END
$$;

-- The same; most days need no exception to be caught.
CREATE FUNCTION pg_temp.day(value text) RETURNS date
LANGUAGE sql STABLE AS $$
    SELECT CASE
        WHEN value ~ '^[12]\d{3}-(0[1-9]|1[0-2])-(0[1-9]|1\d|2[0-8])$' THEN value::date
        WHEN value IS NOT NULL THEN pg_temp.any_day(value)
    END
$$;

-- Whether an instant does not say of which zone it is.
CREATE FUNCTION pg_temp.is_naive(value text) RETURNS boolean
LANGUAGE sql IMMUTABLE AS $$
    SELECT value !~* '\d:\d\d(:\d\d([.,]\d+)?)?\s*(z|utc|[-+]\d\d(:?\d\d)?)\s*$'
$$;

-- The instant, if it is in the years 1 to 9999; NULL for any other text.
CREATE FUNCTION pg_temp.any_instant(value text) RETURNS timestamptz
LANGUAGE plpgsql STABLE AS $$
DECLARE
    found timestamptz;
BEGIN
    IF value !~* '^\s*\d{4}-\d{1,2}-\d{1,2}([T ]\d{1,2}:\d\d(:\d\d([.,]\d+)?)?\s*(z|utc|[-+]\d\d(:?\d\d)?)?)?\s*$' THEN
        RETURN NULL;
    ELSIF pg_temp.is_naive(value) THEN
        found := value::timestamp AT TIME ZONE current_setting('adopt.zone');
    ELSE
        found := value::timestamptz;
    END IF;
    RETURN CASE
        WHEN found BETWEEN TIMESTAMPTZ '0001-01-01 00:00:00+00' AND TIMESTAMPTZ '9999-12-31 23:59:59.999999+00' THEN found
    END;
EXCEPTION
    WHEN data_exception THEN RETURN NULL;
END
$$;

-- The same; most instants need no exception to be caught.
CREATE FUNCTION pg_temp.instant(value text) RETURNS timestamptz
LANGUAGE sql STABLE AS $$
    SELECT CASE
        WHEN value ~ '^[12]\d{3}-(0[1-9]|1[0-2])-(0[1-9]|1\d|2[0-8])T([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d{1,6})?\+00:00$' THEN value::timestamptz
        WHEN value IS NOT NULL THEN pg_temp.any_instant(value)
    END
$$;

-- When the run began, for rows that know no time of their own.
CREATE FUNCTION pg_temp.start() RETURNS timestamptz
LANGUAGE sql STABLE AS $$ SELECT current_setting('adopt.start')::timestamptz $$;

-- The first of these times that is one.
CREATE FUNCTION pg_temp.time_of(VARIADIC times text[]) RETURNS timestamptz
LANGUAGE sql STABLE AS $$
    SELECT COALESCE(
        pg_temp.instant(times[1]), pg_temp.instant(times[2]), pg_temp.instant(times[3]), pg_temp.instant(times[4]), pg_temp.start()
    )
$$;

-- What was made of a time that was none.
CREATE FUNCTION pg_temp.time_change(field text, was text, is_now timestamptz) RETURNS pg_temp.change
LANGUAGE sql STABLE AS $$
    SELECT CASE WHEN pg_temp.instant(was) IS DISTINCT FROM is_now THEN ROW('time_made', field, was, is_now::text)::pg_temp.change END
$$;

-- JSON as it stands in a column of text or of the type json; a text where it is no JSON that jsonb takes.
CREATE FUNCTION pg_temp.json_value(value text) RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
    RETURN value::jsonb;
EXCEPTION
    WHEN data_exception OR program_limit_exceeded OR statement_too_complex THEN RETURN to_jsonb(value);
END
$$;

-- A document that was encoded more than once.
CREATE FUNCTION pg_temp.unwrapped(value jsonb) RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
    FOR level IN 1..3 LOOP
        EXIT WHEN jsonb_typeof(value) <> 'string';
        value := (value #>> '{}')::jsonb;
    END LOOP;
    RETURN value;
EXCEPTION
    WHEN data_exception OR program_limit_exceeded OR statement_too_complex THEN RETURN value;
END
$$;

CREATE FUNCTION pg_temp.document(value jsonb) RETURNS jsonb
LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE jsonb_typeof(value) WHEN 'string' THEN pg_temp.unwrapped(value) ELSE value END
$$;

-- Why a value is no document; NULL if it is one.
CREATE FUNCTION pg_temp.no_document(value jsonb) RETURNS text
LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE
        WHEN value IS NULL THEN 'there is no document'
        WHEN jsonb_typeof(value) = 'string' AND value #>> '{}' LIKE '%\\u0000%' THEN 'a JSON text with the character NUL'
        WHEN jsonb_typeof(value) <> 'object' THEN 'a JSON ' || jsonb_typeof(value) || ', not an object'
    END
$$;

CREATE FUNCTION pg_temp.encoding_change(field text, value jsonb) RETURNS pg_temp.change
LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE
        WHEN jsonb_typeof(value) = 'string' THEN ROW('double_encoded', field, left(value #>> '{}', 200), NULL)::pg_temp.change
    END
$$;

-- Sets a text at the top of a document.
CREATE FUNCTION pg_temp.with_text(document jsonb, field text, value text) RETURNS jsonb
LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE WHEN jsonb_typeof(document) = 'object' THEN document || jsonb_build_object(field, value) ELSE document END
$$;

-- The rule of a domain that a document breaks; NULL if it fits. Made per domain, since each cast is planned once then.
DO $$
DECLARE
    domain text;
BEGIN
    FOREACH domain IN ARRAY ARRAY['pitch', 'review', 'decision', 'research', 'event', 'log'] LOOP
        EXECUTE format($make$
            CREATE FUNCTION pg_temp.broken_%1$s(document jsonb) RETURNS text LANGUAGE plpgsql STABLE AS $f$
            DECLARE
                broken text;
            BEGIN
                PERFORM document::%1$s_document;
                RETURN NULL;
            EXCEPTION
                WHEN check_violation THEN
                    GET STACKED DIAGNOSTICS broken = CONSTRAINT_NAME;
                    RETURN broken;
                WHEN OTHERS THEN
                    RETURN SQLSTATE;
            END
            $f$
        $make$, domain);
    END LOOP;
END
$$;

-- Which Wednesday a label means, and by which rule; no row for what names no week.
CREATE FUNCTION pg_temp.week_of(label text) RETURNS TABLE (week date, rule text)
LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
    plain text := btrim(label);
    part text[];
    day date;
BEGIN
    part := regexp_match(plain, '^(\d{4})-?[Ww](\d{1,2})$');
    IF part IS NOT NULL THEN
        -- The fourth of January is in the first week.
        IF part[2]::integer NOT BETWEEN 1 AND 53 THEN
            RETURN;
        END IF;
        day := make_date(part[1]::integer, 1, 4);
        day := day - (extract(isodow FROM day)::integer - 3) + 7 * (part[2]::integer - 1);
        IF extract(isoyear FROM day)::integer <> part[1]::integer THEN
            RETURN;
        END IF;
        rule := 'week_from_iso_week';
        week := day;
    ELSE
        part := regexp_match(plain, '^(\d{4})-(\d{1,2})-(\d{1,2})([T ](\d.*)?)?$');
        IF part IS NULL THEN
            part := regexp_match(plain, '^(\d{4})(\d{2})(\d{2})$');
        END IF;
        IF part IS NULL THEN
            RETURN;
        END IF;
        day := make_date(part[1]::integer, part[2]::integer, part[3]::integer);
        week := CASE extract(isodow FROM day) WHEN 1 THEN day + 2 ELSE day - (extract(isodow FROM day)::integer + 4) % 7 END;
        rule := CASE WHEN plain = week::text THEN 'week_as_it_is' ELSE 'week_from_' || lower(trim(to_char(day, 'Day'))) END;
    END IF;
    IF week BETWEEN DATE '0001-01-03' AND DATE '9999-12-22' THEN
        RETURN NEXT;
    END IF;
EXCEPTION
    WHEN data_exception THEN RETURN;
END
$$;

CREATE FUNCTION pg_temp.fits_email(value text) RETURNS boolean
LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN value::email IS NOT NULL;
EXCEPTION
    WHEN check_violation THEN RETURN false;
END
$$;

-- Two columns of the old table that say something else than the document beside them.
CREATE FUNCTION pg_temp.differs(field text, was text, is_now text) RETURNS pg_temp.change
LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE WHEN was IS DISTINCT FROM is_now THEN ROW('column_differs', field, was, is_now)::pg_temp.change END
$$;

-- The text at a path of a document in capitals.
CREATE FUNCTION pg_temp.upper_text(document jsonb, path text[]) RETURNS jsonb
LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE jsonb_typeof(document #> path)
        WHEN 'string' THEN jsonb_set(document, path, to_jsonb(upper(btrim(document #>> path)))) ELSE document
    END
$$;

-- Pitch A to Pitch Z, of which only the letter may be there.
CREATE FUNCTION pg_temp.long_label(value text) RETURNS text
LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE
        WHEN btrim(value) COLLATE "C" ~ '^[A-Z]$' THEN 'Pitch ' || btrim(value)
        WHEN btrim(value) COLLATE "C" ~ '^Pitch [A-Z]$' THEN btrim(value)
    END
$$;

CREATE FUNCTION pg_temp.instrument(value text) RETURNS text
LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE WHEN upper(btrim(value)) COLLATE "C" ~ '^[A-Z][A-Z0-9.-]{0,9}$' THEN upper(btrim(value)) END
$$;

CREATE FUNCTION pg_temp.finite(value text) RETURNS numeric
LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE WHEN number > '-Infinity' AND number < 'Infinity' THEN number END FROM pg_temp.number(value) AS number
$$;

CREATE FUNCTION pg_temp.old_return(j jsonb, name text)
RETURNS TABLE (symbol text, date date, value numeric, created_at timestamptz, code text, field text, reason text, changes pg_temp.change[])
LANGUAGE sql STABLE AS $$
    SELECT symbol, date, value, pg_temp.time_of(j ->> 'created_at'),
           CASE WHEN symbol IS NULL THEN 'symbol_form' WHEN date IS NULL THEN 'date_form' WHEN value IS NULL THEN 'return_form' END,
           CASE WHEN symbol IS NULL THEN 'symbol' WHEN date IS NULL THEN 'date' ELSE name END,
           CASE WHEN symbol IS NULL THEN 'no ticker of a listed instrument' WHEN date IS NULL THEN 'no day in the years 1 to 9999'
                ELSE 'no finite number' END,
           ARRAY[pg_temp.change_of('case_changed', 'symbol', j ->> 'symbol', symbol), pg_temp.change_of('rounded', name, j ->> name, value)]
    FROM (
        SELECT pg_temp.symbol(j ->> 'symbol') AS symbol, pg_temp.day(j ->> 'date') AS date,
               pg_temp.within(pg_temp.number(j ->> name), -9999.99999999, 9999.99999999, 8) AS value
    ) AS read
$$;
