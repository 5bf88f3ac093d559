-- Who could read or write an old table may do the same with the new one.
DO $$
DECLARE
    known record;
BEGIN
    FOR known IN
        SELECT name, grantee, privilege FROM pg_temp.old_right
        WHERE privilege IN ('SELECT', 'INSERT', 'UPDATE', 'DELETE') AND to_regclass(format('%I.%I', current_schema(), name)) IS NOT NULL
        ORDER BY name, grantee, privilege
    LOOP
        EXECUTE format('GRANT %s ON %I.%I TO %s', known.privilege, current_schema(), known.name,
            CASE known.grantee WHEN 'public' THEN 'PUBLIC' ELSE quote_ident(known.grantee) END);
        -- Programs of before find the table there.
        IF to_regclass(format('compat.%I', known.name)) IS NOT NULL THEN
            EXECUTE format('GRANT USAGE ON SCHEMA compat TO %1$s; GRANT %2$s ON compat.%3$I TO %1$s',
                CASE known.grantee WHEN 'public' THEN 'PUBLIC' ELSE quote_ident(known.grantee) END, known.privilege, known.name);
        END IF;
    END LOOP;
END
$$;
