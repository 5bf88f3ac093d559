-- What was brought from a database of the Python layer, and what became of its rows; empty in every other database.

CREATE SCHEMA IF NOT EXISTS adoption;
COMMENT ON SCHEMA adoption IS 'What `llm-trading-db adopt` did.';

CREATE TABLE IF NOT EXISTS adoption.run (
    id               uuid        NOT NULL,
    at               timestamptz NOT NULL,
    program_version  text        NOT NULL,
    legacy_schema    text        NOT NULL,
    legacy_tables    jsonb       NOT NULL,
    options          jsonb       NOT NULL,
    proofs           jsonb       NOT NULL,
    report           jsonb       NOT NULL,
    CONSTRAINT run_pkey PRIMARY KEY (id)
);
COMMENT ON TABLE adoption.run IS 'Runs of the adoption.';

CREATE TABLE IF NOT EXISTS adoption.refused (
    id          bigint  GENERATED ALWAYS AS IDENTITY,
    table_name  text    NOT NULL,
    legacy_key  text    NOT NULL,
    code        text    NOT NULL,
    field       text,
    reason      text    NOT NULL,
    "row"       jsonb   NOT NULL,
    CONSTRAINT refused_pkey PRIMARY KEY (id)
);
CREATE INDEX IF NOT EXISTS refused_table_idx ON adoption.refused (table_name, legacy_key);
COMMENT ON TABLE adoption.refused IS 'Old rows that were not adopted, each with its reason.';

CREATE TABLE IF NOT EXISTS adoption.changed (
    id          bigint  GENERATED ALWAYS AS IDENTITY,
    table_name  text    NOT NULL,
    legacy_key  text    NOT NULL,
    code        text    NOT NULL,
    field       text,
    was         text,
    is_now      text,
    CONSTRAINT changed_pkey PRIMARY KEY (id)
);
CREATE INDEX IF NOT EXISTS changed_table_idx ON adoption.changed (table_name, legacy_key);
COMMENT ON TABLE adoption.changed IS 'Values of adopted rows that are others now than in the old table.';

CREATE TABLE IF NOT EXISTS adoption.week (
    label    text    NOT NULL,
    week_id  date,
    rule     text    NOT NULL,
    rows     bigint  NOT NULL,
    CONSTRAINT week_pkey PRIMARY KEY (label)
);
COMMENT ON TABLE adoption.week IS 'Which week each old label means.';

CREATE TABLE IF NOT EXISTS adoption.id_map (
    table_name  text  NOT NULL,
    legacy_id   text  NOT NULL,
    id          uuid  NOT NULL,
    CONSTRAINT id_map_pkey PRIMARY KEY (table_name, legacy_id)
);
COMMENT ON TABLE adoption.id_map IS 'New ids of rows whose old id could not stay.';
