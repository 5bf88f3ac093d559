-- Validates the rules that no row breaks. A rule that one does break stays in force for new values.

DO $$
DECLARE
    rule record;
BEGIN
    FOR rule IN
        SELECT conname, relname AS name, 'TABLE' AS kind
        FROM pg_constraint
        JOIN pg_class ON pg_class.oid = conrelid
        WHERE connamespace = current_schema()::regnamespace AND contype = 'c' AND NOT convalidated
        UNION ALL
        SELECT conname, typname, 'DOMAIN'
        FROM pg_constraint
        JOIN pg_type ON pg_type.oid = contypid
        WHERE connamespace = current_schema()::regnamespace AND contype = 'c' AND NOT convalidated
        ORDER BY kind, name, conname
    LOOP
        BEGIN
            EXECUTE format('ALTER %s %I VALIDATE CONSTRAINT %I', rule.kind, rule.name, rule.conname);
        EXCEPTION
            WHEN check_violation OR feature_not_supported THEN
                RAISE NOTICE 'rows break rule % of % %: "llm-trading-db doctor --rows" lists them',
                    rule.conname, lower(rule.kind), rule.name;
        END;
    END LOOP;
END
$$;
