
-- A database of the Python layer, or one in which somebody else has a table of our name.
SELECT what, advice
FROM (
    SELECT 0 AS place,
           'this database has the tables of the Python layer ('
               || string_agg(name || ' with ' || sign, ', ' ORDER BY place) FILTER (WHERE nth <= 3)
               || CASE WHEN count(*) > 3 THEN ', …' ELSE '' END || ')' AS what,
           'run `llm-trading-db adopt --dry-run`' AS advice
    FROM (SELECT relation.*, row_number() OVER (ORDER BY place) AS nth FROM relation WHERE whose = 'python') AS old
    HAVING count(*) > 0
    UNION ALL
    SELECT place,
           'the table ' || name || ' (column ' || unexpected || ') is neither of this program nor of the Python layer',
           'rename it, or use another database'
    FROM relation
    WHERE whose = 'neither'
) AS objection
ORDER BY place, what
LIMIT 1
