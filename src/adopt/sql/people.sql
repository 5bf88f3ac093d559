-- Users, cash accounts and logs. Their ids are made from the old ones afterwards.

CREATE TEMP TABLE new_users ON COMMIT DROP AS
SELECT n, key, name, email, COALESCE(pg_temp.yes(j ->> 'active'), true) AS active, age, pg_temp.time_of(j ->> 'created_at') AS created_at,
       lower(email) AS address, pg_temp.number(j ->> 'id') AS old_id,
       CASE WHEN name IS NULL THEN 'name_form' WHEN email IS NULL THEN 'email_form' END AS code,
       CASE WHEN name IS NULL THEN 'name' WHEN email IS NULL THEN 'email' END AS field,
       CASE WHEN name IS NULL THEN 'no name of one line' WHEN email IS NULL THEN 'no e-mail address' END AS reason,
       NULL::bigint AS winner, NULL::uuid AS id,
       ARRAY[
           pg_temp.change_of('blanks_cut', 'name', j ->> 'name', name),
           pg_temp.change_of('blanks_cut', 'email', j ->> 'email', email),
           pg_temp.change_of('value_made', 'active', pg_temp.yes(j ->> 'active')::text, COALESCE(pg_temp.yes(j ->> 'active'), true)::text),
           pg_temp.change_of('value_dropped', 'age', j ->> 'age', age::numeric),
           pg_temp.time_change('created_at', j ->> 'created_at', pg_temp.time_of(j ->> 'created_at'))
       ] AS changes
FROM (
    SELECT n, key, j, pg_temp.one_line(j ->> 'name', 100) AS name, pg_temp.whole(j ->> 'age', 0, 150)::integer AS age,
           CASE WHEN pg_temp.fits_email(btrim(j ->> 'email')) THEN btrim(j ->> 'email') END AS email
    FROM pg_temp.old_users
    OFFSET 0
) AS old;
SELECT pg_temp.supersede('users', 'address', 'old_id NULLS LAST, n');

CREATE TEMP TABLE new_accounts ON COMMIT DROP AS
SELECT n, key, balance, pg_temp.time_of(j ->> 'created_at') AS created_at,
       CASE WHEN balance IS NULL THEN 'balance_form' END AS code,
       CASE WHEN balance IS NULL THEN 'balance' END AS field,
       CASE WHEN balance IS NULL THEN 'no amount of zero or more in whole cents' END AS reason,
       NULL::bigint AS winner, NULL::uuid AS id,
       ARRAY[pg_temp.time_change('created_at', j ->> 'created_at', pg_temp.time_of(j ->> 'created_at'))] AS changes
FROM (
    SELECT n, key, j, CASE WHEN pg_temp.cents(j ->> 'balance', 999999999999.99) >= 0 THEN pg_temp.cents(j ->> 'balance', 999999999999.99) END AS balance
    FROM pg_temp.old_accounts
    OFFSET 0
) AS old;

CREATE TEMP TABLE new_logs ON COMMIT DROP AS
SELECT n, key, level, j ->> 'message' AS message, data, pg_temp.time_of(j ->> 'created_at') AS created_at,
       CASE WHEN level IS NULL THEN 'level_unknown' WHEN j ->> 'message' IS NULL THEN 'message_missing' WHEN problem IS NOT NULL THEN 'document_form' END AS code,
       CASE WHEN level IS NULL THEN 'level' WHEN j ->> 'message' IS NULL THEN 'message' WHEN problem IS NOT NULL THEN 'data' END AS field,
       CASE WHEN level IS NULL THEN 'no level of a log' WHEN j ->> 'message' IS NULL THEN 'there is no message' ELSE problem END AS reason,
       NULL::bigint AS winner, NULL::uuid AS id,
       ARRAY[
           pg_temp.change_of('level_mapped', 'level', j ->> 'level', level),
           pg_temp.encoding_change('data', j -> 'data'),
           pg_temp.time_change('created_at', j ->> 'created_at', pg_temp.time_of(j ->> 'created_at'))
       ] AS changes
FROM (
    SELECT n, key, j, data, level,
           CASE WHEN data IS NOT NULL THEN COALESCE(pg_temp.no_document(data), 'breaks the rule ' || pg_temp.broken_log(data)) END AS problem
    FROM (
        SELECT n, key, j, NULLIF(pg_temp.document(j -> 'data'), 'null') AS data,
               CASE upper(btrim(j ->> 'level'))
                   WHEN 'WARN' THEN 'WARNING' WHEN 'FATAL' THEN 'CRITICAL' WHEN 'ERR' THEN 'ERROR' WHEN 'TRACE' THEN 'DEBUG'
                   WHEN 'DEBUG' THEN 'DEBUG' WHEN 'INFO' THEN 'INFO' WHEN 'WARNING' THEN 'WARNING' WHEN 'ERROR' THEN 'ERROR'
                   WHEN 'CRITICAL' THEN 'CRITICAL'
               END AS level
        FROM pg_temp.old_logs
        OFFSET 0
    ) AS read
    OFFSET 0
) AS old;
