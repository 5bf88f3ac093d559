-- What the role may not do here that every adoption does.
SELECT 'the role ' || current_user || ' may not make temporary tables: GRANT TEMPORARY ON DATABASE ' || quote_ident(current_database()) || ' TO '
       || quote_ident(current_user)
WHERE NOT has_database_privilege(current_database(), 'TEMPORARY')
