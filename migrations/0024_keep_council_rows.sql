-- Nobody deletes what the council made: a program that deletes a pitch in order to insert it again takes its reviews with it, and
-- loses both if the insert then fails. Saving again replaces a row and keeps its id.

CREATE FUNCTION council_keep() RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
    IF current_setting('llm_trading_db.deletes', true) IS NOT DISTINCT FROM 'allowed' THEN
        RETURN OLD;
    END IF;
    RAISE EXCEPTION '% keeps its rows: save again what is to be replaced, it keeps its id and what hangs on it', TG_TABLE_NAME
        USING ERRCODE = 'restrict_violation',
              CONSTRAINT = TG_TABLE_NAME || '_kept',
              SCHEMA = TG_TABLE_SCHEMA,
              TABLE = TG_TABLE_NAME,
              HINT = 'Programs of the Python layer write through the schema compat. To delete all the same: SET llm_trading_db.deletes = ''allowed''.';
END
$$;
COMMENT ON FUNCTION council_keep IS 'Refuses to delete, unless the setting llm_trading_db.deletes is allowed.';

CREATE TRIGGER pm_pitches_kept BEFORE DELETE ON pm_pitches FOR EACH ROW EXECUTE FUNCTION council_keep();
CREATE TRIGGER peer_reviews_kept BEFORE DELETE ON peer_reviews FOR EACH ROW EXECUTE FUNCTION council_keep();
CREATE TRIGGER chairman_decisions_kept BEFORE DELETE ON chairman_decisions FOR EACH ROW EXECUTE FUNCTION council_keep();
