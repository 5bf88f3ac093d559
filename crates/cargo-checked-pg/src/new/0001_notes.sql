-- Notes, as an example: an id, a key and a document. A migration that has landed is never edited.

CREATE DOMAIN note_id AS uuid;
COMMENT ON DOMAIN note_id IS 'A note.';

CREATE DOMAIN author AS text COLLATE "C"
    CONSTRAINT author_form CHECK (VALUE ~ '^[a-z]{1,32}$');
COMMENT ON DOMAIN author IS 'Who writes notes.';

-- A document is checked here, too: not all that is written comes from this program.
CREATE DOMAIN note_document AS jsonb
    CONSTRAINT note_document_form CHECK (
        VALUE IS NULL
        OR (
            jsonb_typeof(VALUE -> 'text') = 'string'
            AND VALUE ->> 'text' <> ''
            AND jsonb_typeof(COALESCE(VALUE -> 'tags', '[]')) = 'array'
            AND NOT jsonb_path_exists(VALUE, 'lax $.tags[*] ? (@.type() != "string")')
        ) IS TRUE
    );
COMMENT ON DOMAIN note_document IS 'What a note says.';

CREATE TABLE notes (
    id         note_id       NOT NULL,
    author     author        NOT NULL,
    note       note_document NOT NULL,
    written_at timestamptz   NOT NULL,
    CONSTRAINT notes_pkey PRIMARY KEY (id)
);
COMMENT ON TABLE notes IS 'What people note down.';
COMMENT ON COLUMN notes.id IS 'Key of the note.';
COMMENT ON COLUMN notes.author IS 'Who wrote it.';
COMMENT ON COLUMN notes.note IS 'What it says.';
COMMENT ON COLUMN notes.written_at IS 'When it was written.';

CREATE INDEX notes_author_idx ON notes (author, written_at);
