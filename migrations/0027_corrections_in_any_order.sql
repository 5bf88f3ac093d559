-- In an export of the journal the newest event comes first, and so a correction before what it corrects, however many statements lie
-- between them. Whether that is there is asked at the end of the transaction.
ALTER TABLE execution_events
    ALTER CONSTRAINT execution_events_corrects_fkey DEFERRABLE INITIALLY DEFERRED;
