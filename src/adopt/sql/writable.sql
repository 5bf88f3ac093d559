-- Why nothing can be written here, if so, and what to do.
SELECT CASE
    WHEN pg_is_in_recovery() THEN
        'this server is a standby, which takes no writes: name the primary in DATABASE_URL'
    ELSE
        'this server takes no writes, since default_transaction_read_only is on'
        || CASE source
            WHEN 'database' THEN ' for the database ' || quote_ident(current_database()) || ': ALTER DATABASE '
                || quote_ident(current_database()) || ' SET default_transaction_read_only = off'
            WHEN 'user' THEN ' for the role ' || quote_ident(current_user) || ': ALTER ROLE '
                || quote_ident(current_user) || ' SET default_transaction_read_only = off'
            WHEN 'database user' THEN ' for the role ' || quote_ident(current_user) || ' in this database: ALTER ROLE '
                || quote_ident(current_user) || ' IN DATABASE ' || quote_ident(current_database()) || ' SET default_transaction_read_only = off'
            ELSE ': ALTER ROLE ' || quote_ident(current_user) || ' SET default_transaction_read_only = off, for as long as this takes'
        END
    END
FROM pg_settings
WHERE name = 'default_transaction_read_only' AND current_setting('transaction_read_only') = 'on'
