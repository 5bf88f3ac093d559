-- What a trader notes about a pitch. The pitch itself is a row of llm-trading-db, whose migrations run first.

CREATE DOMAIN note_document AS jsonb
    CONSTRAINT note_document_form CHECK (VALUE IS NULL OR (length(VALUE ->> 'text') > 0) IS TRUE);
COMMENT ON DOMAIN note_document IS 'What a trader notes about a pitch.';

CREATE TABLE trade_notes (
    pitch_id   pitch_id      NOT NULL,
    note       note_document NOT NULL,
    written_at timestamptz   NOT NULL,
    CONSTRAINT trade_notes_pkey PRIMARY KEY (pitch_id),
    CONSTRAINT trade_notes_pitch_fkey FOREIGN KEY (pitch_id) REFERENCES pm_pitches (id) ON DELETE CASCADE
);
COMMENT ON TABLE trade_notes IS 'One note per pitch.';
COMMENT ON COLUMN trade_notes.pitch_id IS 'Pitch the note is about.';
COMMENT ON COLUMN trade_notes.note IS 'The note.';
COMMENT ON COLUMN trade_notes.written_at IS 'When it was last written.';
