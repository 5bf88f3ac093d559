-- What one statement reads together with its parent is a document, too, and is checked like one.

CREATE FUNCTION document_reviews(list jsonb) RETURNS boolean LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE
    WHEN jsonb_typeof(list) IS DISTINCT FROM 'array' THEN false
    -- As in document_is_readable, which is for an object.
    WHEN list @? 'strict $.**{127} ? (@.type() == "object" || @.type() == "array")' THEN false
    WHEN list @? 'strict $.** ? (@.type() == "number" && (@ > 1.7976931348623157e308 || @ < -1.7976931348623157e308))' THEN false
    ELSE NOT EXISTS (
        SELECT
        FROM jsonb_array_elements(list) AS review
        WHERE NOT (
            document_matches(review -> 'id', '^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$')
            AND document_matches(review -> 'reviewer_model', '^[A-Za-z0-9][A-Za-z0-9._:/-]{0,99}$')
            AND document_matches(review -> 'pitch_label', '^Pitch [A-Z]$')
            AND (review -> 'review_data')::review_document IS NOT NULL
        )
    )
END;
COMMENT ON FUNCTION document_reviews IS 'Whether a list of JSON holds reviews, each with its key and a review_document.';

CREATE DOMAIN pitch_reviews_document AS jsonb
    CONSTRAINT pitch_reviews_document_form CHECK (VALUE IS NULL OR document_reviews(VALUE));
COMMENT ON DOMAIN pitch_reviews_document IS 'The reviews of a pitch, read together with it.';
