-- A document passes its domain if and only if the program can decode it. A test spoils every key of every example in many ways and
-- asks both. The functions are the words of the rules, one for each type of a field; all of them return false for a missing key.

-- An object of JSON that the program's parser takes: at most 127 levels, and no number beyond a double.
CREATE FUNCTION document_is_readable(document jsonb) RETURNS boolean LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN COALESCE(
    jsonb_typeof(document) = 'object'
    AND NOT document @? 'strict $.**{127} ? (@.type() == "object" || @.type() == "array")'
    AND NOT document @? 'strict $.** ? (@.type() == "number" && (@ > 1.7976931348623157e308 || @ < -1.7976931348623157e308))',
    false
);

CREATE FUNCTION document_lacks(field jsonb) RETURNS boolean LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN COALESCE(jsonb_typeof(field), 'null') = 'null';

CREATE FUNCTION document_text(field jsonb) RETURNS boolean LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN COALESCE(jsonb_typeof(field) = 'string', false);

CREATE FUNCTION document_texts(field jsonb) RETURNS boolean LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN COALESCE(
    jsonb_typeof(field) = 'array' AND NOT field @? 'strict $[*] ? (@.type() != "string")',
    false
);

CREATE FUNCTION document_texts_by_name(field jsonb) RETURNS boolean LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN COALESCE(
    jsonb_typeof(field) = 'object' AND NOT field @? 'strict $.keyvalue().value ? (@.type() != "string")',
    false
);

-- A list whose elements are objects; what is in them is checked by path.
CREATE FUNCTION document_objects(field jsonb) RETURNS boolean LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN COALESCE(
    jsonb_typeof(field) = 'array' AND NOT field @? 'strict $[*] ? (@.type() != "object")',
    false
);

CREATE FUNCTION document_matches(field jsonb, pattern text) RETURNS boolean LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN COALESCE(jsonb_typeof(field) = 'string' AND (field #>> '{}') COLLATE "C" ~ pattern, false);

-- A number of the program's decimal: 28 decimals and 96 bits.
CREATE FUNCTION document_decimal(field jsonb) RETURNS boolean LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE
    WHEN jsonb_typeof(field) IS DISTINCT FROM 'number' THEN false
    WHEN scale(field::numeric) > 28 OR abs(field::numeric) >= 79228162514264337593543950336 THEN false
    ELSE abs(field::numeric) * power(10::numeric, scale(field::numeric)) <= 79228162514264337593543950335
END;

-- The same as text without an exponent, as the old layer wrote some prices.
CREATE FUNCTION document_decimal_text(field jsonb) RETURNS boolean LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE
    WHEN document_matches(field, '^-?(0|[1-9][0-9]{0,39})(\.[0-9]{1,40})?$')
        THEN document_decimal(to_jsonb((field #>> '{}')::numeric))
    ELSE false
END;

CREATE FUNCTION document_price(field jsonb) RETURNS boolean LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN document_decimal(field) THEN field::numeric > 0 ELSE false END;

-- A whole number, written as one: 7, and neither 7.0 nor 7e0.
CREATE FUNCTION document_whole(field jsonb, lowest bigint, highest bigint) RETURNS boolean LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE
    WHEN jsonb_typeof(field) IS DISTINCT FROM 'number' THEN false
    ELSE scale(field::numeric) = 0 AND field::numeric BETWEEN lowest AND highest
END;

CREATE FUNCTION document_conviction(field jsonb) RETURNS boolean LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE
    WHEN document_decimal(field) THEN field::numeric BETWEEN -2 AND 2 AND scale(trim_scale(field::numeric)) <= 2
    ELSE false
END;

CREATE FUNCTION document_direction(field jsonb) RETURNS boolean LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN COALESCE(jsonb_typeof(field) = 'string' AND field #>> '{}' IN ('LONG', 'SHORT', 'FLAT'), false);

CREATE FUNCTION document_instrument(field jsonb) RETURNS boolean LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN document_matches(field, '^[A-Z][A-Z0-9.-]{0,9}$');

CREATE FUNCTION document_account(field jsonb) RETURNS boolean LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN document_matches(field, '^[A-Z][A-Z0-9_]{0,19}$');

CREATE FUNCTION document_risk_profile(field jsonb) RETURNS boolean LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN document_matches(field, '^(TIGHT|BASE|WIDE|NONE)$');

-- A Wednesday. Counted from the first of the month: a cast would fail on a day that does not exist.
CREATE FUNCTION document_week(field jsonb) RETURNS boolean LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE
    WHEN NOT document_matches(field, '^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$') THEN false
    WHEN field #>> '{}' NOT BETWEEN '0001-01-03' AND '9999-12-22' THEN false
    ELSE extract(
            month FROM make_date(substr(field #>> '{}', 1, 4)::integer, substr(field #>> '{}', 6, 2)::integer, 1)
                + (substr(field #>> '{}', 9, 2)::integer - 1)
        ) = substr(field #>> '{}', 6, 2)::integer
        AND extract(
            isodow FROM make_date(substr(field #>> '{}', 1, 4)::integer, substr(field #>> '{}', 6, 2)::integer, 1)
                + (substr(field #>> '{}', 9, 2)::integer - 1)
        ) = 3
END;

ALTER DOMAIN pitch_document DROP CONSTRAINT pitch_document_form;
ALTER DOMAIN pitch_document ADD CONSTRAINT pitch_document_form CHECK (VALUE IS NULL OR (
    document_is_readable(VALUE)
    AND document_week(VALUE -> 'week_id')
    AND document_direction(VALUE -> 'direction')
    AND document_conviction(VALUE -> 'conviction')
    AND (document_lacks(VALUE -> 'idea_id') OR document_text(VALUE -> 'idea_id'))
    AND (document_lacks(VALUE -> 'risk_profile') OR document_risk_profile(VALUE -> 'risk_profile'))
    AND (document_lacks(VALUE -> 'model') OR document_text(VALUE -> 'model'))
    AND (document_lacks(VALUE -> 'timestamp') OR document_text(VALUE -> 'timestamp'))
    AND CASE
        -- The current form,
        WHEN NOT document_lacks(VALUE -> 'selected_instrument') THEN
            document_instrument(VALUE -> 'selected_instrument')
            AND (NOT VALUE ? 'asof_et' OR document_text(VALUE -> 'asof_et'))
            AND document_text(VALUE -> 'pm_model')
            AND document_text(VALUE -> 'horizon')
            AND (NOT VALUE ? 'thesis_bullets' OR document_texts(VALUE -> 'thesis_bullets'))
            AND jsonb_typeof(VALUE -> 'entry_policy') = 'object'
            AND (document_lacks(VALUE #> '{entry_policy,mode}') OR document_text(VALUE #> '{entry_policy,mode}'))
            AND (document_lacks(VALUE #> '{entry_policy,limit_price}') OR document_decimal(VALUE #> '{entry_policy,limit_price}'))
            AND COALESCE(jsonb_typeof(VALUE -> 'exit_policy'), 'null') IN ('object', 'null')
            AND (document_lacks(VALUE #> '{exit_policy,time_stop_days}')
                OR document_whole(VALUE #> '{exit_policy,time_stop_days}', 0, 4294967295))
            AND (document_lacks(VALUE #> '{exit_policy,stop_loss_pct}') OR document_decimal(VALUE #> '{exit_policy,stop_loss_pct}'))
            AND (document_lacks(VALUE #> '{exit_policy,take_profit_pct}')
                OR document_decimal(VALUE #> '{exit_policy,take_profit_pct}'))
            AND (document_lacks(VALUE #> '{exit_policy,exit_before_events}')
                OR document_texts(VALUE #> '{exit_policy,exit_before_events}'))
            AND (document_lacks(VALUE -> 'consensus_map') OR document_texts_by_name(VALUE -> 'consensus_map'))
            AND document_text(VALUE -> 'risk_notes')
            AND COALESCE(jsonb_typeof(VALUE -> 'model_info'), 'null') IN ('object', 'null')
            AND (document_lacks(VALUE #> '{model_info,model_id}') OR document_text(VALUE #> '{model_info,model_id}'))
            AND (document_lacks(VALUE #> '{model_info,account}') OR document_account(VALUE #> '{model_info,account}'))
            AND (document_lacks(VALUE #> '{model_info,alpaca_id}') OR document_text(VALUE #> '{model_info,alpaca_id}'))
            AND (document_lacks(VALUE #> '{model_info,role}') OR document_text(VALUE #> '{model_info,role}'))
        -- and the first one.
        ELSE
            document_instrument(VALUE -> 'instrument')
            AND document_texts(VALUE -> 'thesis_bullets')
            AND (document_lacks(VALUE -> 'horizon') OR document_text(VALUE -> 'horizon'))
            AND (document_lacks(VALUE -> 'entry_mode') OR document_text(VALUE -> 'entry_mode'))
            AND (document_lacks(VALUE -> 'entry_price') OR document_decimal(VALUE -> 'entry_price'))
            AND (document_lacks(VALUE -> 'exit_event') OR document_text(VALUE -> 'exit_event'))
            AND (document_lacks(VALUE -> 'indicators') OR document_objects(VALUE -> 'indicators'))
            AND (document_lacks(VALUE -> 'indicators') OR NOT VALUE @? '$.indicators[*] ? (
                !exists(@.name) || @.name.type() != "string" || !exists(@.value)
                || !exists(@.interpretation) || @.interpretation.type() != "string")')
            AND (document_lacks(VALUE -> 'invalidation') OR document_text(VALUE -> 'invalidation'))
    END
) IS TRUE) NOT VALID;

ALTER DOMAIN review_document DROP CONSTRAINT review_document_form;
ALTER DOMAIN review_document ADD CONSTRAINT review_document_form CHECK (VALUE IS NULL OR (
    document_is_readable(VALUE)
    AND (document_lacks(VALUE -> 'review_id') OR document_text(VALUE -> 'review_id'))
    AND document_matches(VALUE -> 'pitch_label', '^Pitch [A-Z]$')
    AND (document_lacks(VALUE -> 'reviewer_model') OR document_text(VALUE -> 'reviewer_model'))
    -- These seven; what else is marked is the reviewer's.
    AND document_whole(VALUE #> '{scores,clarity}', 1, 10)
    AND document_whole(VALUE #> '{scores,edge_plausibility}', 1, 10)
    AND document_whole(VALUE #> '{scores,timing_catalyst}', 1, 10)
    AND document_whole(VALUE #> '{scores,risk_definition}', 1, 10)
    AND document_whole(VALUE #> '{scores,risk_management}', 1, 10)
    AND document_whole(VALUE #> '{scores,originality}', 1, 10)
    AND document_whole(VALUE #> '{scores,tradeability}', 1, 10)
    AND document_text(VALUE -> 'best_argument_against')
    AND document_text(VALUE -> 'one_flip_condition')
    AND (document_lacks(VALUE -> 'suggested_fix') OR document_text(VALUE -> 'suggested_fix'))
    AND (document_lacks(VALUE -> 'average_score') OR document_decimal(VALUE -> 'average_score'))
    AND (document_lacks(VALUE -> 'timestamp') OR document_text(VALUE -> 'timestamp'))
) IS TRUE) NOT VALID;

ALTER DOMAIN decision_document DROP CONSTRAINT decision_document_form;
ALTER DOMAIN decision_document ADD CONSTRAINT decision_document_form CHECK (VALUE IS NULL OR (
    document_is_readable(VALUE)
    AND document_text(VALUE -> 'decision_id')
    AND document_week(VALUE -> 'week_id')
    AND document_instrument(VALUE #> '{selected_trade,instrument}')
    AND document_direction(VALUE #> '{selected_trade,direction}')
    AND document_text(VALUE #> '{selected_trade,horizon}')
    AND document_conviction(VALUE -> 'conviction')
    AND document_text(VALUE -> 'rationale')
    AND (document_lacks(VALUE -> 'dissent_summary') OR document_objects(VALUE -> 'dissent_summary'))
    AND (document_lacks(VALUE -> 'dissent_summary') OR NOT VALUE @? '$.dissent_summary[*].keyvalue() ? (
        (@.key == "pitch_id" || @.key == "model" || @.key == "key_concern")
        && @.value.type() != "string" && @.value.type() != "null")')
    AND document_texts(VALUE #> '{monitoring_plan,checkpoints}')
    AND (document_lacks(VALUE #> '{monitoring_plan,invalidation_triggers}')
        OR document_texts(VALUE #> '{monitoring_plan,invalidation_triggers}'))
    AND (document_lacks(VALUE #> '{monitoring_plan,key_indicators}') OR document_texts(VALUE #> '{monitoring_plan,key_indicators}'))
    AND (document_lacks(VALUE #> '{monitoring_plan,watch_conditions}')
        OR document_texts(VALUE #> '{monitoring_plan,watch_conditions}'))
    AND (document_lacks(VALUE -> 'model') OR document_text(VALUE -> 'model'))
    AND (document_lacks(VALUE -> 'model_id') OR document_text(VALUE -> 'model_id'))
    AND (document_lacks(VALUE -> 'account') OR document_account(VALUE -> 'account'))
    AND (document_lacks(VALUE -> 'alpaca_id') OR document_text(VALUE -> 'alpaca_id'))
    AND (document_lacks(VALUE -> 'timestamp') OR document_text(VALUE -> 'timestamp'))
    AND (NOT VALUE ? 'fallback' OR jsonb_typeof(VALUE -> 'fallback') = 'boolean')
) IS TRUE) NOT VALID;

-- A report may have any shape: a part that does not fit is kept as it is.
ALTER DOMAIN research_document DROP CONSTRAINT research_document_form;
ALTER DOMAIN research_document ADD CONSTRAINT research_document_form
    CHECK (VALUE IS NULL OR document_is_readable(VALUE)) NOT VALID;

ALTER DOMAIN log_document DROP CONSTRAINT log_document_form;
ALTER DOMAIN log_document ADD CONSTRAINT log_document_form CHECK (VALUE IS NULL OR document_is_readable(VALUE)) NOT VALID;

-- What the body of an ENTRY or an EXIT needs, in an event or in its correction.
CREATE FUNCTION document_trade(event jsonb) RETURNS boolean LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE
    WHEN NOT document_matches(event -> 'event_type', '^(ENTRY|EXIT)$') THEN false
    WHEN NOT document_price(event -> 'price') THEN false
    WHEN event ->> 'event_type' = 'EXIT' THEN true
    ELSE document_direction(event -> 'direction')
        AND document_conviction(event -> 'conviction')
        AND (document_lacks(event -> 'instrument') OR document_instrument(event -> 'instrument'))
END;

ALTER DOMAIN event_document DROP CONSTRAINT event_document_form;
ALTER DOMAIN event_document ADD CONSTRAINT event_document_form CHECK (VALUE IS NULL OR (
    document_is_readable(VALUE)
    AND document_matches(VALUE -> 'event_type', '^[A-Za-z][A-Za-z0-9_]{0,49}$')
    AND CASE VALUE ->> 'event_type'
        WHEN 'ENTRY' THEN document_trade(VALUE)
        WHEN 'EXIT' THEN document_trade(VALUE)
        WHEN 'order_placed' THEN
            document_text(VALUE -> 'trade_id')
            AND (document_lacks(VALUE -> 'symbol') OR document_text(VALUE -> 'symbol'))
            AND document_text(VALUE -> 'side')
            AND document_decimal(VALUE -> 'qty')
            AND (document_lacks(VALUE -> 'order_id') OR document_text(VALUE -> 'order_id'))
            AND (document_lacks(VALUE -> 'limit_price') OR document_decimal(VALUE -> 'limit_price'))
            AND (document_lacks(VALUE -> 'take_profit_price') OR document_decimal(VALUE -> 'take_profit_price')
                OR document_decimal_text(VALUE -> 'take_profit_price'))
            AND (document_lacks(VALUE -> 'stop_loss_price') OR document_decimal(VALUE -> 'stop_loss_price')
                OR document_decimal_text(VALUE -> 'stop_loss_price'))
            AND (document_lacks(VALUE -> 'attempt') OR document_whole(VALUE -> 'attempt', 0, 4294967295))
            AND (document_lacks(VALUE -> 'direction') OR document_direction(VALUE -> 'direction'))
            AND (document_lacks(VALUE -> 'conviction') OR document_decimal(VALUE -> 'conviction'))
        WHEN 'order_retried' THEN
            document_text(VALUE -> 'trade_id')
            AND (document_lacks(VALUE -> 'symbol') OR document_text(VALUE -> 'symbol'))
            AND (document_lacks(VALUE -> 'direction') OR document_direction(VALUE -> 'direction'))
            AND document_whole(VALUE -> 'attempt', 0, 4294967295)
            AND document_text(VALUE -> 'error')
            AND (document_lacks(VALUE -> 'error_type') OR document_text(VALUE -> 'error_type'))
        WHEN 'order_failed' THEN
            document_text(VALUE -> 'trade_id')
            AND (document_lacks(VALUE -> 'symbol') OR document_text(VALUE -> 'symbol'))
            AND document_text(VALUE -> 'error')
            AND (document_lacks(VALUE -> 'direction') OR document_direction(VALUE -> 'direction'))
            AND (document_lacks(VALUE -> 'attempts') OR document_whole(VALUE -> 'attempts', 0, 4294967295))
            AND (document_lacks(VALUE -> 'error_type') OR document_text(VALUE -> 'error_type'))
            AND (document_lacks(VALUE -> 'qty') OR document_decimal(VALUE -> 'qty'))
            AND (document_lacks(VALUE -> 'conviction') OR document_decimal(VALUE -> 'conviction'))
        WHEN 'baseline_account_skipped' THEN
            document_text(VALUE -> 'trade_id')
            AND (document_lacks(VALUE -> 'symbol') OR document_text(VALUE -> 'symbol'))
            AND (document_lacks(VALUE -> 'direction') OR document_direction(VALUE -> 'direction'))
            AND document_text(VALUE -> 'reason')
        WHEN 'account_validation_error' THEN
            document_text(VALUE -> 'trade_id')
            AND document_text(VALUE -> 'invalid_account')
            AND document_texts(VALUE -> 'valid_accounts')
            AND (document_lacks(VALUE -> 'symbol') OR document_text(VALUE -> 'symbol'))
            AND (document_lacks(VALUE -> 'direction') OR document_direction(VALUE -> 'direction'))
            AND document_text(VALUE -> 'reason')
        ELSE true
    END
) IS TRUE) NOT VALID;

ALTER DOMAIN event_document DROP CONSTRAINT event_document_correction;
ALTER DOMAIN event_document ADD CONSTRAINT event_document_correction CHECK (VALUE IS NULL OR (
    CASE
        WHEN VALUE ->> 'event_type' NOT IN ('VOID', 'CORRECTION') THEN true
        ELSE document_matches(VALUE -> 'event_id', '^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$')
            AND document_text(VALUE -> 'reason')
    END
    AND CASE VALUE ->> 'event_type'
        WHEN 'CORRECTION' THEN document_trade(VALUE -> 'event')
        ELSE true
    END
) IS TRUE) NOT VALID;

-- Rows from before that break the stricter rules stay. Their keys are told here, and the rule is in force for new values.
DO $$
DECLARE
    rule record;
    place record;
    document record;
BEGIN
    FOR rule IN
        SELECT conname, typname, contypid
        FROM pg_constraint
        JOIN pg_type ON pg_type.oid = contypid
        WHERE connamespace = current_schema()::regnamespace
          AND NOT convalidated
          AND conname IN (
            'pitch_document_form', 'review_document_form', 'decision_document_form', 'research_document_form',
            'log_document_form', 'event_document_form', 'event_document_correction'
          )
        ORDER BY typname, conname
    LOOP
        BEGIN
            EXECUTE format('ALTER DOMAIN %I VALIDATE CONSTRAINT %I', rule.typname, rule.conname);
            CONTINUE;
        EXCEPTION
            WHEN check_violation OR feature_not_supported THEN
                RAISE NOTICE 'rows break rule % of domain %: "llm-trading-db doctor --rows" lists them',
                    rule.conname, rule.typname;
        END;
        FOR place IN
            SELECT attrelid::regclass::text AS relation, attname
            FROM pg_attribute
            JOIN pg_class ON pg_class.oid = attrelid AND relkind = 'r'
            WHERE atttypid = rule.contypid AND NOT attisdropped
            ORDER BY relation, attname
        LOOP
            FOR document IN EXECUTE format(
                'SELECT COALESCE(to_jsonb(held) ->> ''id'', ctid::text) AS id, %I::jsonb AS content FROM %s AS held ORDER BY 1',
                place.attname, place.relation
            )
            LOOP
                BEGIN
                    EXECUTE format('SELECT $1::%I', rule.typname) USING document.content;
                EXCEPTION
                    WHEN check_violation THEN
                        RAISE NOTICE 'a document of table %, column %, row % breaks rule %',
                            place.relation, place.attname, document.id, rule.conname;
                END;
            END LOOP;
        END LOOP;
    END LOOP;
END
$$;
