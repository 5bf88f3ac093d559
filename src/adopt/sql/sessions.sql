-- Others who are connected, a line each.
SELECT 'process ' || pid || ' of ' || COALESCE(usename, '?') || ' (' || COALESCE(NULLIF(application_name, ''), 'no name') || ', ' || COALESCE(state, '?') || ')'
FROM pg_stat_activity
WHERE datname = current_database() AND backend_type = 'client backend' AND pid <> pg_backend_pid()
ORDER BY backend_start
