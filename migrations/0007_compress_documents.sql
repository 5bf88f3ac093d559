-- Documents and reports are kilobytes of text: lz4 packs and unpacks them several times faster than the default, pglz. It is
-- for values written from now on, and only where the server was built with it; both kinds can be read side by side.

DO $$
BEGIN
    ALTER TABLE research_reports
        ALTER COLUMN natural_language SET COMPRESSION lz4,
        ALTER COLUMN structured_json SET COMPRESSION lz4;
    ALTER TABLE pm_pitches ALTER COLUMN pitch_data SET COMPRESSION lz4;
    ALTER TABLE peer_reviews ALTER COLUMN review_data SET COMPRESSION lz4;
    ALTER TABLE chairman_decisions ALTER COLUMN decision_data SET COMPRESSION lz4;
    ALTER TABLE execution_events ALTER COLUMN event_data SET COMPRESSION lz4;
EXCEPTION
    WHEN feature_not_supported THEN
        RAISE NOTICE 'this server has no lz4: documents keep the default compression';
END
$$;
