-- Documents: one domain per shape of JSONB. What a reader relies on is checked here, too, so that a row written around the
-- application fails when it is written (23514 with the constraint's name) and not when it is read.
--
-- A check passes on NULL, and a missing key is NULL: hence IS TRUE. CASE keeps a cast from running on what it cannot read.

CREATE DOMAIN pitch_document AS jsonb
    CONSTRAINT pitch_document_form CHECK (VALUE IS NULL OR (
        jsonb_typeof(VALUE) = 'object'
        AND COALESCE(VALUE ->> 'selected_instrument', VALUE ->> 'instrument') ~ '^[A-Z][A-Z0-9.-]{0,9}$'
        AND VALUE ->> 'direction' IN ('LONG', 'SHORT', 'FLAT')
        AND CASE jsonb_typeof(VALUE -> 'conviction')
            WHEN 'number' THEN
                (VALUE ->> 'conviction')::numeric BETWEEN -2 AND 2 AND scale(trim_scale((VALUE ->> 'conviction')::numeric)) <= 2
            ELSE false
        END
    ) IS TRUE);
COMMENT ON DOMAIN pitch_document IS 'A pitch: the trade of a model for a week, in its current (v2) or its first (v1) form.';

CREATE DOMAIN review_document AS jsonb
    CONSTRAINT review_document_form CHECK (VALUE IS NULL OR (
        jsonb_typeof(VALUE) = 'object'
        AND VALUE ->> 'pitch_label' ~ '^Pitch [A-Z]$'
        AND jsonb_typeof(VALUE -> 'scores') = 'object'
        AND VALUE -> 'scores' ?& ARRAY[
            'clarity', 'edge_plausibility', 'timing_catalyst', 'risk_definition', 'risk_management', 'originality',
            'tradeability'
        ]
        -- These seven; what else is marked is the reviewer's.
        AND NOT VALUE @? '$.scores.keyvalue() ? (
            @.key like_regex "^(clarity|edge_plausibility|timing_catalyst|risk_definition|risk_management|originality|tradeability)$"
            && (@.value.type() != "number" || @.value < 1 || @.value > 10))'
        AND COALESCE(jsonb_typeof(VALUE -> 'average_score'), 'null') IN ('number', 'null')
    ) IS TRUE);
COMMENT ON DOMAIN review_document IS 'A review: what a model thinks of a pitch it knows by its label only; scores are 1 to 10.';

CREATE DOMAIN decision_document AS jsonb
    CONSTRAINT decision_document_form CHECK (VALUE IS NULL OR (
        jsonb_typeof(VALUE) = 'object'
        AND jsonb_typeof(VALUE -> 'week_id') = 'string'
        AND jsonb_typeof(VALUE #> '{selected_trade,instrument}') = 'string'
        AND VALUE #>> '{selected_trade,direction}' IN ('LONG', 'SHORT', 'FLAT')
        AND CASE jsonb_typeof(VALUE -> 'conviction')
            WHEN 'number' THEN
                (VALUE ->> 'conviction')::numeric BETWEEN -2 AND 2 AND scale(trim_scale((VALUE ->> 'conviction')::numeric)) <= 2
            ELSE false
        END
    ) IS TRUE);
COMMENT ON DOMAIN decision_document IS 'A decision of the chairman, in the form of its schema or in the fallback form.';

CREATE DOMAIN research_document AS jsonb
    CONSTRAINT research_document_form CHECK (VALUE IS NULL OR jsonb_typeof(VALUE) = 'object');
COMMENT ON DOMAIN research_document IS 'Structured part of a research report; every key is optional.';

CREATE DOMAIN event_document AS jsonb
    CONSTRAINT event_document_form CHECK (VALUE IS NULL OR (
        jsonb_typeof(VALUE) = 'object'
        AND VALUE ->> 'event_type' ~ '^[A-Za-z][A-Za-z0-9_]{0,49}$'
        AND CASE
            WHEN VALUE ->> 'event_type' NOT IN ('ENTRY', 'EXIT') THEN true
            WHEN jsonb_typeof(VALUE -> 'price') = 'number' THEN (VALUE ->> 'price')::numeric > 0
            ELSE false
        END
        AND CASE
            WHEN VALUE ->> 'event_type' <> 'ENTRY' THEN true
            WHEN jsonb_typeof(VALUE -> 'conviction') = 'number' THEN
                VALUE ->> 'direction' IN ('LONG', 'SHORT', 'FLAT')
                AND (VALUE ->> 'conviction')::numeric BETWEEN -2 AND 2
                AND scale(trim_scale((VALUE ->> 'conviction')::numeric)) <= 2
            ELSE false
        END
    ) IS TRUE);
COMMENT ON DOMAIN event_document IS 'An execution event; its key event_type says which of the shapes it has.';

CREATE DOMAIN log_document AS jsonb
    CONSTRAINT log_document_form CHECK (VALUE IS NULL OR jsonb_typeof(VALUE) = 'object');
COMMENT ON DOMAIN log_document IS 'Named values that belong to a log message.';
