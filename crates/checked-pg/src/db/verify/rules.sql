-- What the schema promises beside the columns of its tables, by name: a dropped check lets values in that no reader expects.
-- `cargo checked-pg prepare` records it before the macros can check a statement, so this one is none of theirs.
WITH place AS (
    SELECT oid, CASE oid WHEN current_schema()::regnamespace THEN '' ELSE nspname || '.' END AS prefix
    FROM pg_namespace
    WHERE nspname <> 'information_schema' AND nspname NOT LIKE 'pg\_%'
), objects AS (
    SELECT oid, relname::text AS name, 'table' AS kind
    FROM pg_class
    WHERE relnamespace = current_schema()::regnamespace AND relkind IN ('r', 'p')
      AND relname NOT LIKE '%\_migrations'
    UNION ALL
    SELECT oid, typname, 'domain'
    FROM pg_type
    WHERE typnamespace = current_schema()::regnamespace AND typtype = 'd'
    UNION ALL
    -- Of other schemas, which no statement need name: what a migration keeps apart, or shows to programs as something else.
    SELECT pg_class.oid, place.prefix || relname, 'table'
    FROM pg_class
    JOIN place ON place.oid = relnamespace
    WHERE relkind IN ('r', 'p') AND NOT relispartition AND prefix <> ''
    UNION ALL
    SELECT pg_class.oid, place.prefix || relname, 'view'
    FROM pg_class
    JOIN place ON place.oid = relnamespace
    WHERE relkind = 'v'
    UNION ALL
    SELECT pg_proc.oid, place.prefix || proname || '(' || pg_get_function_identity_arguments(pg_proc.oid) || ')', 'function'
    FROM pg_proc
    JOIN place ON place.oid = pronamespace
), parts AS (
    SELECT oid, kind, '' AS part
    FROM objects
    UNION ALL
    -- From PostgreSQL 18 on, NOT NULL is a constraint too; the statements show that.
    SELECT CASE conrelid WHEN 0 THEN contypid ELSE conrelid END, CASE conrelid WHEN 0 THEN 'domain' ELSE 'table' END,
           ': constraint ' || conname
    FROM pg_constraint
    WHERE contype <> 'n' AND convalidated
    UNION ALL
    SELECT indrelid, 'table', ': index ' || index.relname
    FROM pg_index
    JOIN pg_class AS index ON index.oid = indexrelid
    WHERE indisvalid AND NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = indexrelid AND conrelid = indrelid)
    UNION ALL
    SELECT attrelid, CASE relkind WHEN 'v' THEN 'view' ELSE 'table' END, ': default of ' || attname
    FROM pg_attribute
    JOIN pg_class ON pg_class.oid = attrelid
    WHERE atthasdef AND NOT attisdropped
    UNION ALL
    -- The statements show those of the tables that they name.
    SELECT attrelid, CASE relkind WHEN 'v' THEN 'view' ELSE 'table' END,
           ': column ' || attname || ' ' || format_type(atttypid, atttypmod) || CASE WHEN attnotnull THEN ' NOT NULL' ELSE '' END
    FROM pg_attribute
    JOIN pg_class ON pg_class.oid = attrelid
    WHERE attnum > 0 AND NOT attisdropped
      AND (relkind = 'v' OR relkind IN ('r', 'p') AND relnamespace <> current_schema()::regnamespace)
    UNION ALL
    SELECT tgrelid, CASE relkind WHEN 'v' THEN 'view' ELSE 'table' END, ': trigger ' || tgname
    FROM pg_trigger
    JOIN pg_class ON pg_class.oid = tgrelid
    WHERE NOT tgisinternal AND tgenabled IN ('O', 'A')
)
SELECT kind || ' ' || name || part
FROM objects
JOIN parts USING (oid, kind)
ORDER BY (kind || ' ' || name || part) COLLATE "C"
