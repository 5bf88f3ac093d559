-- What the schema promises beside its columns, by name: a dropped check lets values in that no reader expects.
-- `cargo checked-pg prepare` records it before the macros can check a statement, so this one is none of theirs.
WITH objects AS (
    SELECT oid, relname AS name, 'table' AS kind
    FROM pg_class
    WHERE relnamespace = current_schema()::regnamespace AND relkind IN ('r', 'p')
      AND relname NOT LIKE '%\_migrations'
    UNION ALL
    SELECT oid, typname, 'domain'
    FROM pg_type
    WHERE typnamespace = current_schema()::regnamespace AND typtype = 'd'
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
    SELECT attrelid, 'table', ': default of ' || attname
    FROM pg_attribute
    WHERE atthasdef AND NOT attisdropped
)
SELECT kind || ' ' || name || part
FROM objects
JOIN parts USING (oid, kind)
ORDER BY (kind || ' ' || name || part) COLLATE "C"
