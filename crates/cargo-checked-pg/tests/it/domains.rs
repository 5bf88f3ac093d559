//! Domains inside of a statement. PostgreSQL takes each of these statements, but for three.

use super::shop::Shop;

/// A mistake, and a part of what is said of it.
const WRONG: &[(&str, &str)] = &[
    // Compared with a column.
    (
        "DELETE FROM orders WHERE id = $1::customer_id",
        "`orders.id` is of `order_id` and `$1` of `customer_id`, and they are compared; if that is meant: `$1::customer_id::uuid`",
    ),
    (
        "DELETE FROM orders WHERE $1::customer_id = id",
        "`$1` is of `customer_id` and `orders.id` of `order_id`",
    ),
    (
        "SELECT id FROM orders WHERE id <> $1::customer_id",
        "`order_id`",
    ),
    (
        "SELECT id FROM orders WHERE id < $1::customer_id ORDER BY id",
        "`order_id`",
    ),
    (
        "SELECT id FROM orders WHERE id >= $1::customer_id ORDER BY id",
        "`order_id`",
    ),
    (
        "SELECT id FROM orders WHERE id = customer_id",
        "`orders.customer_id` of `customer_id`",
    ),
    (
        "SELECT id FROM orders WHERE sku = $1::country",
        "`$1::country::text`",
    ),
    (
        "SELECT id FROM orders WHERE shipped = $1::bill_date",
        "`ship_date`",
    ),
    (
        "SELECT id FROM orders WHERE shipped < billed",
        "`orders.billed` of `bill_date`",
    ),
    (
        "SELECT id FROM orders WHERE shipped BETWEEN $1::ship_date AND $2::bill_date",
        "`$2` of `bill_date`",
    ),
    (
        "SELECT id FROM orders WHERE shipped NOT BETWEEN $1::bill_date AND $2::ship_date",
        "`$1` of `bill_date`",
    ),
    (
        "SELECT no FROM tickets WHERE no = $1::invoice_no",
        "`ticket_no`",
    ),
    (
        "SELECT no FROM tickets WHERE no = invoice_no",
        "`invoice_no`",
    ),
    (
        "SELECT id FROM orders WHERE id IS DISTINCT FROM $1::customer_id",
        "`order_id`",
    ),
    (
        "SELECT id FROM orders WHERE id IS NOT DISTINCT FROM customer_id",
        "`order_id`",
    ),
    (
        "SELECT id FROM orders WHERE (id, sku) = ($1::customer_id, $2::sku)",
        "`customer_id`",
    ),
    (
        "SELECT id FROM orders WHERE (day, id) < ($1, $2::customer_id) ORDER BY day, id",
        "`customer_id`",
    ),
    (
        "SELECT id FROM orders WHERE NOT (id = $1::customer_id AND day = $2)",
        "`customer_id`",
    ),
    (
        "SELECT count(*) FILTER (WHERE id = customer_id) AS n FROM orders",
        "`order_id`",
    ),
    ("SELECT id = customer_id AS same FROM orders", "`order_id`"),
    (
        "SELECT id FROM orders ORDER BY id = $1::customer_id",
        "`order_id`",
    ),
    (
        "SELECT sku FROM orders GROUP BY sku HAVING max(sku) = $1::country",
        "`max(orders.sku)` is of `sku`",
    ),
    (
        "SELECT id FROM orders WHERE sku LIKE (SELECT country FROM customers WHERE id = $1::customer_id)",
        "put together",
    ),
    (
        "SELECT data FROM orders WHERE data = $1::customer_document",
        "`order_document`",
    ),
    (
        "SELECT o.id FROM orders AS o, customers AS c WHERE o.data @> c.data",
        "`order_document`",
    ),
    // Compared with a value of no domain.
    (
        "SELECT id FROM orders WHERE id = $1",
        "`orders.id` is of `order_id` and is compared with `$1`, which is of no domain; write `$1::order_id`",
    ),
    (
        "SELECT id FROM orders WHERE id = $1::uuid",
        "write `$1::order_id`",
    ),
    ("SELECT id FROM orders WHERE sku = $1", "write `$1::sku`"),
    ("SELECT id FROM orders WHERE $1 = sku", "write `$1::sku`"),
    (
        "SELECT id FROM orders WHERE shipped = day",
        "write `orders.day::ship_date`, or `orders.shipped::date` if any value",
    ),
    (
        "SELECT id FROM orders WHERE shipped >= $1",
        "write `$1::ship_date`",
    ),
    (
        "SELECT id FROM orders WHERE shipped = $1::date",
        "write `$1::ship_date`",
    ),
    (
        "SELECT id FROM orders WHERE day = shipped + 7 AND shipped = day + 7",
        "write `(orders.day + a literal integer)::ship_date`",
    ),
    (
        "SELECT id FROM orders WHERE id = ANY ($1)",
        "write `$1::order_id[]`",
    ),
    (
        "SELECT id FROM orders WHERE id IN ($1, $2)",
        "write `$2::order_id`",
    ),
    (
        "SELECT id FROM customers WHERE country = note",
        "write `customers.note::country`",
    ),
    (
        "SELECT id FROM orders WHERE sku = data ->> 'sku'",
        "of no domain",
    ),
    (
        "SELECT no FROM tickets WHERE no = $1",
        "write `$1::ticket_no`",
    ),
    (
        "SELECT data FROM orders WHERE data = jsonb_build_object('a', 1)",
        "of no domain",
    ),
    (
        "SELECT c.id FROM customers AS c WHERE lower(c.note) = c.country",
        "write `lower(c.note)::country`",
    ),
    (
        "SELECT id FROM orders WHERE shipped = now()::date",
        "of no domain",
    ),
    // JOIN
    (
        "SELECT o.id FROM orders AS o JOIN customers AS c ON c.id = o.id",
        "`c.id` is of `customer_id` and `o.id` of `order_id`",
    ),
    (
        "SELECT o.day FROM orders AS o JOIN customers AS c USING (id)",
        "`order_id`",
    ),
    (
        "SELECT day FROM orders NATURAL JOIN (SELECT id FROM customers) AS c",
        "`order_id`",
    ),
    (
        "SELECT o.id FROM orders AS o LEFT JOIN customers AS c ON c.id = o.customer_id AND c.id = o.id",
        "`order_id`",
    ),
    (
        "SELECT o.id FROM orders AS o FULL JOIN customers AS c ON c.id = o.id",
        "`order_id`",
    ),
    (
        "SELECT o.id FROM orders AS o, customers AS c WHERE c.id = o.id",
        "`order_id`",
    ),
    (
        "SELECT o.id FROM orders AS o CROSS JOIN LATERAL (SELECT 1 AS one FROM customers AS c WHERE c.id = o.id) AS x",
        "`order_id`",
    ),
    (
        "SELECT i.no FROM invoices AS i JOIN tickets AS t ON t.no = i.no",
        "`ticket_no`",
    ),
    (
        "SELECT o.id FROM orders AS o JOIN customers AS c ON c.country = o.sku",
        "`country`",
    ),
    (
        "SELECT o.id FROM orders AS o JOIN UNNEST($1::customer_id[]) AS asked (id) ON asked.id = o.id",
        "`asked.id` is of `customer_id`",
    ),
    (
        "SELECT o.id FROM orders AS o JOIN (VALUES ($1::customer_id)) AS asked (id) ON asked.id = o.id",
        "`asked.id` is of `customer_id`",
    ),
    (
        "SELECT o.id FROM orders AS o JOIN orders_of($1::customer_id) AS f ON f.sku = o.sku AND f.id = o.customer_id",
        "`f.id` is of `order_id`",
    ),
    (
        "SELECT o.id FROM orders AS o JOIN (SELECT max(day) AS d, max(shipped) AS s FROM orders) AS m ON m.s = o.billed",
        "`m.s` is of `ship_date`",
    ),
    (
        "SELECT o.id FROM orders AS o JOIN newest AS n ON n.customer_id = o.id",
        "`n.customer_id` is of `customer_id`",
    ),
    (
        "SELECT o.id FROM orders AS o JOIN newest AS n ON n.shipped = o.billed",
        "`n.shipped` is of `ship_date`",
    ),
    (
        "SELECT c.id FROM customers AS c JOIN newest AS n ON n.sku = c.country",
        "`n.sku` is of `sku`",
    ),
    (
        "SELECT o.id FROM orders AS o JOIN shipped_orders AS s ON s.customer_id = o.id",
        "`customer_id`",
    ),
    // SET
    (
        "UPDATE orders SET customer_id = $2::order_id WHERE id = $1::order_id",
        "`$2` is of `order_id` and goes where `customer_id` is wanted; if that is meant: `$2::uuid::customer_id`",
    ),
    (
        "UPDATE orders SET customer_id = id WHERE id = $1::order_id",
        "`orders.id` is of `order_id`",
    ),
    (
        "UPDATE orders SET billed = shipped WHERE id = $1::order_id",
        "`ship_date`",
    ),
    (
        "UPDATE orders SET (shipped, billed) = (billed, shipped) WHERE id = $1::order_id",
        "`bill_date`",
    ),
    (
        "UPDATE orders SET (sku, day) = (SELECT country, $2::date FROM customers WHERE customers.id = customer_id) WHERE id = $1::order_id",
        "`country`",
    ),
    (
        "UPDATE orders SET data = $2::customer_document WHERE id = $1::order_id",
        "`customer_document`",
    ),
    (
        "UPDATE orders SET data = jsonb_set(data, '{a}', '1') WHERE id = $1::order_id",
        "write `jsonb_set(orders.data, a literal text[], a literal jsonb)::order_document`",
    ),
    (
        "UPDATE orders SET shipped = day WHERE id = $1::order_id",
        "write `orders.day::ship_date`",
    ),
    (
        "UPDATE orders SET sku = $2::text WHERE id = $1::order_id",
        "write `$2::sku`",
    ),
    (
        "UPDATE orders SET likes = $2::country[] WHERE id = $1::order_id",
        "`country[]`",
    ),
    (
        "UPDATE tickets SET invoice_no = no WHERE no = $1::ticket_no",
        "`ticket_no`",
    ),
    (
        "UPDATE customers SET home = country WHERE id = $1::customer_id",
        "`home_country`",
    ),
    (
        "UPDATE orders SET sku = c.country FROM customers AS c WHERE c.id = customer_id",
        "`c.country` is of `country`",
    ),
    (
        "UPDATE orders SET price = discount WHERE id = $1::order_id",
        "`orders.discount` is of `rate` and goes where `price` is wanted",
    ),
    (
        "UPDATE orders SET pieces = boxes WHERE id = $1::order_id",
        "`boxes`",
    ),
    // INSERT
    (
        "INSERT INTO invoices (no, order_id, amount) VALUES ($1, $2::customer_id, $3)",
        "`$2` is of `customer_id`",
    ),
    (
        "INSERT INTO invoices (no, order_id, amount) VALUES ($1, $2, $3), ($4, $5::customer_id, $6)",
        "`customer_id`",
    ),
    (
        "INSERT INTO invoices (no, order_id, amount) VALUES ($1::ticket_no, $2, $3)",
        "`ticket_no`",
    ),
    (
        "INSERT INTO invoices (no, order_id, amount) SELECT $1::invoice_no, customer_id, price FROM orders WHERE id = $2::order_id",
        "`orders.customer_id`",
    ),
    (
        "INSERT INTO invoices (no, order_id, amount) SELECT * FROM UNNEST($1::invoice_no[], $2::customer_id[], $3::price[])",
        "`customer_id`",
    ),
    (
        "INSERT INTO invoices (no, order_id, amount) SELECT new.no, new.id, new.a FROM UNNEST($1::invoice_no[], $2::uuid[], $3::price[]) AS new (no, id, a)",
        "write `new.id::order_id`",
    ),
    (
        "INSERT INTO customers (id, country, data) VALUES ($1, $2, $3::order_document)",
        "`order_document`",
    ),
    (
        "INSERT INTO customers (id, country, data) SELECT id, sku, $1 FROM (SELECT customer_id AS id, sku FROM orders) AS o",
        "`o.sku` is of `sku`",
    ),
    (
        "INSERT INTO invoices (no, order_id, amount) VALUES ($1, $2, $3::rate)",
        "`rate`",
    ),
    (
        "WITH gone AS (DELETE FROM orders WHERE id = $1::order_id RETURNING customer_id, price) INSERT INTO invoices (no, order_id, amount) SELECT $2::invoice_no, customer_id, price FROM gone",
        "`gone.customer_id` is of `customer_id`",
    ),
    // ON CONFLICT
    (
        "INSERT INTO invoices AS old (no, order_id, amount) VALUES ($1, $2, $3) ON CONFLICT (no) DO UPDATE SET order_id = $4::customer_id",
        "`$4` is of `customer_id`",
    ),
    (
        "INSERT INTO orders AS old (id, customer_id, sku, day, price, pieces, made_at) VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (id) DO UPDATE SET customer_id = EXCLUDED.id",
        "`excluded.id` is of `order_id`",
    ),
    (
        "INSERT INTO orders AS old (id, customer_id, sku, day, price, pieces, made_at) VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (id) DO UPDATE SET sku = EXCLUDED.sku WHERE old.id IS DISTINCT FROM EXCLUDED.customer_id",
        "`old.id` is of `order_id`",
    ),
    (
        "INSERT INTO orders AS old (id, customer_id, sku, day, price, pieces, made_at) VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (id) DO UPDATE SET sku = EXCLUDED.sku WHERE (old.shipped, old.sku) IS DISTINCT FROM (EXCLUDED.billed, EXCLUDED.sku)",
        "`bill_date`",
    ),
    (
        "INSERT INTO customers AS old (id, country, data) VALUES ($1, $2, $3) ON CONFLICT (id) DO UPDATE SET home = EXCLUDED.country",
        "`country`",
    ),
    // IN, ANY, ALL
    (
        "SELECT id FROM orders WHERE id IN ($1::order_id, $2::customer_id)",
        "`$2` of `customer_id`",
    ),
    (
        "SELECT id FROM orders WHERE id IN (SELECT customer_id FROM orders)",
        "`order_id`",
    ),
    (
        "SELECT id FROM orders WHERE id NOT IN (SELECT id FROM customers)",
        "`order_id`",
    ),
    (
        "SELECT id FROM orders WHERE (id, sku) IN (SELECT customer_id, sku FROM orders)",
        "`order_id`",
    ),
    (
        "SELECT id FROM orders WHERE id = ANY ($1::customer_id[])",
        "`order_id`",
    ),
    (
        "SELECT id FROM orders WHERE id <> ALL ($1::customer_id[])",
        "`order_id`",
    ),
    (
        "SELECT id FROM orders WHERE id = ANY (ARRAY(SELECT id FROM customers))",
        "`order_id`",
    ),
    (
        "SELECT id FROM orders WHERE id = ANY (ARRAY[$1::customer_id, $2::customer_id])",
        "`order_id`",
    ),
    (
        "SELECT id FROM orders WHERE id = SOME (SELECT c.id FROM customers AS c)",
        "`order_id`",
    ),
    (
        "SELECT t.no FROM tickets AS t, orders AS o WHERE o.id = ANY (t.customers)",
        "`t.customers` of `customer_id`",
    ),
    (
        "SELECT t.no FROM tickets AS t WHERE t.customers[1] = $1::order_id",
        "`t.customers[…]` is of `customer_id`",
    ),
    (
        "SELECT no FROM tickets WHERE customers @> ARRAY[$1::order_id]",
        "PostgreSQL: ",
    ),
    (
        "SELECT no FROM tickets WHERE customers && $1::order_id[]",
        "PostgreSQL: ",
    ),
    (
        "SELECT array_append(customers, $1::order_id) AS more FROM tickets",
        "become one value",
    ),
    (
        "SELECT array_position(likes, $1::country) AS at FROM orders",
        "become one value",
    ),
    (
        "SELECT ARRAY[id, customer_id] AS both FROM orders",
        "become one value",
    ),
    // CASE and its kin
    (
        "SELECT CASE WHEN day = $1 THEN id ELSE customer_id END AS either FROM orders",
        "become one value",
    ),
    (
        "SELECT CASE id WHEN $1::customer_id THEN 1 END AS one FROM orders",
        "`customer_id`",
    ),
    (
        "SELECT COALESCE(shipped, billed) AS day FROM orders",
        "`ship_date`",
    ),
    (
        "SELECT COALESCE(shipped, CAST(NULL AS ship_date), billed) AS day FROM orders",
        "`bill_date`",
    ),
    (
        "SELECT GREATEST(shipped, billed) AS day FROM orders",
        "`ship_date`",
    ),
    (
        "SELECT NULLIF(id, customer_id) AS none FROM orders",
        "`order_id`",
    ),
    (
        "SELECT lag(shipped, 1, billed) OVER (ORDER BY day) AS before FROM orders",
        "become one value",
    ),
    (
        "UPDATE orders SET shipped = CASE WHEN day = $2 THEN billed ELSE shipped END WHERE id = $1::order_id",
        "`bill_date`",
    ),
    (
        "SELECT id FROM orders WHERE COALESCE(sku, 'x') = $1::country",
        "`COALESCE(orders.sku, a literal text)` is of `sku`",
    ),
    (
        "SELECT id FROM orders WHERE CASE WHEN day = $2 THEN sku ELSE 'x' END = $1::country",
        "`the CASE` is of `sku`",
    ),
    // Subqueries
    (
        "SELECT id FROM orders WHERE id = (SELECT customer_id FROM orders WHERE sku = $1::sku)",
        "`order_id`",
    ),
    (
        "SELECT id FROM orders WHERE shipped = (SELECT max(billed) FROM orders)",
        "`ship_date`",
    ),
    (
        "SELECT id FROM orders WHERE shipped = (SELECT max(day) FROM orders)",
        "of no domain",
    ),
    (
        "SELECT c.id FROM customers AS c WHERE EXISTS (SELECT FROM orders AS o WHERE o.id = c.id)",
        "`order_id`",
    ),
    (
        "SELECT (SELECT o.day FROM orders AS o WHERE o.id = c.id) AS day FROM customers AS c",
        "`order_id`",
    ),
    (
        "SELECT x.id FROM (SELECT customer_id AS id FROM orders) AS x JOIN orders AS o ON o.id = x.id",
        "`x.id` of `customer_id`",
    ),
    (
        "SELECT x.s FROM (SELECT min(sku) AS s FROM orders) AS x JOIN customers AS c ON c.country = x.s",
        "`x.s` of `sku`",
    ),
    (
        "SELECT x.id FROM (SELECT DISTINCT ON (sku) customer_id AS id FROM orders ORDER BY sku, day) AS x WHERE x.id = $1::order_id",
        "`customer_id`",
    ),
    (
        "SELECT id FROM (SELECT id, row_number() OVER (PARTITION BY customer_id ORDER BY day) AS n FROM orders) AS x WHERE x.n = 1 AND x.id = $1::customer_id",
        "`order_id`",
    ),
    (
        "SELECT id FROM (SELECT id, first_value(sku) OVER (ORDER BY day) AS f FROM orders) AS x WHERE x.f = $1::country",
        "`sku`",
    ),
    // Common table expressions and UNION
    (
        "WITH x AS (SELECT customer_id AS id FROM orders) SELECT o.id FROM orders AS o JOIN x ON x.id = o.id",
        "`customer_id`",
    ),
    (
        "WITH x AS (SELECT max(shipped) AS d FROM orders) SELECT id FROM orders, x WHERE billed = x.d",
        "`x.d` of `ship_date`",
    ),
    (
        "WITH x AS (UPDATE orders SET day = $2 WHERE id = $1::order_id RETURNING customer_id) SELECT id FROM orders WHERE id IN (SELECT customer_id FROM x)",
        "`order_id`",
    ),
    (
        "WITH RECURSIVE x AS (SELECT no FROM tickets UNION ALL SELECT t.invoice_no FROM x JOIN tickets AS t ON t.no = x.no) SELECT no FROM x",
        "PostgreSQL: ",
    ),
    (
        "WITH RECURSIVE x AS (SELECT customer_id AS id FROM orders WHERE id = $1::order_id UNION ALL SELECT o.customer_id FROM x JOIN orders AS o ON o.id = x.id) SELECT id FROM x",
        "`x.id` of `customer_id`",
    ),
    (
        "SELECT id FROM orders UNION SELECT id FROM customers",
        "become one column",
    ),
    (
        "SELECT id, day FROM orders UNION ALL SELECT customer_id, day FROM orders",
        "`customer_id`",
    ),
    (
        "SELECT id FROM orders WHERE day = $1 UNION ALL SELECT NULL UNION ALL SELECT id FROM customers",
        "become one column",
    ),
    (
        "SELECT id FROM orders INTERSECT SELECT customer_id FROM orders",
        "become one column",
    ),
    (
        "SELECT shipped FROM orders EXCEPT SELECT day FROM orders",
        "become one column",
    ),
    (
        "SELECT x.id FROM (SELECT id FROM orders UNION SELECT id FROM orders WHERE day = $1) AS x WHERE x.id = $2::customer_id",
        "`order_id`",
    ),
    (
        "VALUES ($1::order_id), ($2::customer_id)",
        "become one value",
    ),
    // Functions and casts
    (
        "SELECT customer_of($1::customer_id) AS c",
        "goes where `order_id` is wanted",
    ),
    (
        "SELECT customer_of(customer_id) AS c FROM orders",
        "goes where `order_id` is wanted",
    ),
    ("SELECT customer_of($1::uuid) AS c", "write `$1::order_id`"),
    (
        "SELECT id FROM orders WHERE customer_of(id) = $1::order_id",
        "`customer_of(orders.id)` is of `customer_id`",
    ),
    (
        "SELECT o.id FROM orders AS o, orders_of($1::order_id) AS f WHERE f.sku = o.sku",
        "goes where `customer_id` is wanted",
    ),
    (
        "SELECT customer_id::order_id AS id FROM orders",
        "if that is meant: `orders.customer_id::uuid::order_id`",
    ),
    (
        "SELECT id FROM customers WHERE id = $1::order_id::customer_id",
        "if that is meant: `$1::uuid::customer_id`",
    ),
    (
        "SELECT CAST(sku AS country) AS c FROM orders",
        "goes where `country` is wanted",
    ),
    (
        "SELECT likes::country[] AS c FROM orders",
        "goes where `country[]` is wanted",
    ),
    (
        "SELECT id FROM orders WHERE lower(sku) = lower($1::country)",
        "`lower($1)` of `country`, and they are compared; if that is meant: cast what the function takes to `text` first",
    ),
    (
        "SELECT c.id FROM customers AS c JOIN orders AS o ON upper(btrim(c.country)) = upper(o.sku)",
        "`upper(o.sku)` of `sku`",
    ),
    // MERGE
    (
        "MERGE INTO invoices AS i USING orders AS o ON i.order_id = o.customer_id WHEN MATCHED THEN DELETE",
        "`order_id`",
    ),
    (
        "MERGE INTO invoices AS i USING orders AS o ON i.order_id = o.id WHEN MATCHED THEN UPDATE SET order_id = o.customer_id",
        "`customer_id`",
    ),
    (
        "MERGE INTO invoices AS i USING orders AS o ON i.order_id = o.id WHEN NOT MATCHED THEN INSERT (no, order_id, amount) VALUES ($1, o.customer_id, 1)",
        "`customer_id`",
    ),
    // Numbers
    (
        "SELECT id FROM orders WHERE price > discount",
        "`orders.price` is of `price` and `orders.discount` of `rate`, and they are compared",
    ),
    ("SELECT price + discount AS sum FROM orders", "added up"),
    ("SELECT price - $1::rate AS rest FROM orders", "added up"),
    ("SELECT id FROM orders WHERE pieces = boxes", "`pieces`"),
    (
        "SELECT COALESCE(price, discount) AS any FROM orders",
        "become one value",
    ),
    (
        "SELECT id FROM orders WHERE price = $1::rate",
        "`$1::rate::numeric`",
    ),
    (
        "SELECT id FROM orders WHERE price = (SELECT max(discount) FROM orders)",
        "`rate`",
    ),
];

/// The same, right: nothing is found.
const RIGHT: &[&str] = &[
    "DELETE FROM orders WHERE id = $1::order_id",
    "SELECT id FROM orders WHERE id = '018f0000-0000-7000-8000-000000000000'",
    "SELECT id FROM orders WHERE sku = 'A1' AND shipped = '2026-11-25' AND shipped > DATE '2026-11-18'",
    "SELECT id FROM orders WHERE sku LIKE 'A%' AND sku ~ $1 AND starts_with(sku, $2)",
    "SELECT lower(sku) AS l, length(sku) AS n, left(sku, 2) AS two, sku || '-' || $1 AS label FROM orders WHERE lower(sku) = lower($2::sku)",
    "SELECT id FROM orders WHERE id = ANY ($1::order_id[]) AND id <> ALL (ARRAY(SELECT order_id FROM invoices))",
    "SELECT id FROM orders WHERE (day, id) < ($1, $2::order_id) ORDER BY day, id",
    "SELECT id FROM orders WHERE ($1::sku IS NULL OR sku = $1::sku) AND customer_id IN ($2::customer_id, $3::customer_id)",
    "SELECT o.id FROM orders AS o JOIN customers AS c ON c.id = o.customer_id LEFT JOIN invoices AS i ON i.order_id = o.id",
    "SELECT o.id FROM orders AS o JOIN shipped_orders AS s USING (id)",
    "SELECT o.id FROM orders AS o JOIN newest AS n ON n.customer_id = o.customer_id AND n.shipped = o.shipped AND n.sku = o.sku",
    "SELECT id FROM orders WHERE shipped = (SELECT max(shipped) FROM orders)",
    "SELECT id FROM orders WHERE made_at >= shipped AND extract(isodow FROM shipped) = 3 AND date_trunc('week', shipped) < made_at",
    "SELECT id FROM orders WHERE day = shipped + 7 - (shipped - billed)::integer + 0",
    "SELECT shipped + 7 AS next, shipped - interval '1 day' AS before, to_char(shipped, 'YYYY') AS year FROM orders",
    "SELECT shipped - billed AS days FROM orders WHERE shipped::date < billed::date",
    "SELECT id FROM orders WHERE shipped::date = day",
    "SELECT id FROM customers WHERE id = $1::order_id::uuid",
    "SELECT id FROM customers WHERE id = $1::order_id::uuid::customer_id",
    "SELECT o.id FROM orders AS o JOIN customers AS c ON c.id::uuid = o.id",
    "SELECT c.id FROM customers AS c JOIN orders AS o ON lower(c.country::text) = lower(o.sku) AND lower(c.country) = lower(c.note)",
    "UPDATE orders SET customer_id = $2, shipped = $3, sku = DEFAULT, day = day + 1 WHERE id = $1::order_id",
    "UPDATE orders SET shipped = (day + 1)::ship_date, sku = upper(sku)::sku WHERE id = $1::order_id",
    "UPDATE orders SET shipped = CASE WHEN day = $2 THEN shipped ELSE NULL END WHERE id = $1::order_id",
    "UPDATE orders SET sku = COALESCE($2::sku, sku, 'none') WHERE id = $1::order_id",
    "UPDATE orders SET (shipped, billed) = (SELECT max(shipped), max(billed) FROM orders) WHERE id = $1::order_id",
    "UPDATE orders SET data = (data || $2::text::jsonb)::order_document WHERE id = $1::order_id",
    "UPDATE customers SET note = country WHERE id = $1::customer_id",
    "UPDATE customers SET country = home WHERE id = $1::customer_id AND country = home",
    "UPDATE customers SET home = country::home_country WHERE id = $1::customer_id",
    "INSERT INTO invoices (no, order_id, amount) VALUES ($1, $2, $3), ($4, $5, $6)",
    "INSERT INTO invoices (no, order_id, amount) VALUES (7, gen_random_uuid(), 9.5)",
    "INSERT INTO invoices (no, order_id, amount) SELECT * FROM UNNEST($1::invoice_no[], $2::order_id[], $3::price[])",
    "INSERT INTO invoices (no, order_id, amount) SELECT max(i.no), min(i.order_id::text)::uuid::order_id, sum(i.amount) FROM invoices AS i",
    "INSERT INTO orders AS old (id, customer_id, sku, day, price, pieces, made_at) VALUES ($1, $2, $3, $4, $5, $6, $7)
     ON CONFLICT (id) DO UPDATE SET sku = EXCLUDED.sku, price = old.price + EXCLUDED.price
     WHERE (old.sku, old.shipped) IS DISTINCT FROM (EXCLUDED.sku, EXCLUDED.shipped) RETURNING id, xmax = 0 AS inserted",
    "WITH gone AS (DELETE FROM orders WHERE id = $1::order_id RETURNING id, price) INSERT INTO invoices (no, order_id, amount) SELECT $2::invoice_no, id, price FROM gone",
    "WITH RECURSIVE x AS (SELECT min(sku) AS sku FROM orders UNION ALL SELECT (SELECT min(o.sku) FROM orders AS o WHERE o.sku > x.sku) FROM x WHERE x.sku IS NOT NULL) SELECT sku FROM x",
    "SELECT id FROM orders UNION SELECT order_id FROM invoices",
    "SELECT sku FROM orders UNION SELECT NULL UNION SELECT 'none'",
    "SELECT id FROM orders EXCEPT SELECT order_id FROM invoices",
    "SELECT customer_of($1::order_id) AS c, customer_of(id) AS d FROM orders WHERE customer_of(id) = $2::customer_id",
    "SELECT shout(sku) AS loud, shout($1) AS louder FROM orders",
    "SELECT f.id FROM orders_of($1::customer_id) AS f JOIN orders AS o ON o.id = f.id AND o.sku = f.sku",
    "SELECT no FROM tickets WHERE customers @> ARRAY[$1::customer_id] AND $2::customer_id = ANY (customers) AND cardinality(customers) > 1",
    "SELECT array_append(customers, $1::customer_id) AS more, customers[1] = $1::customer_id AS first FROM tickets",
    "SELECT array_agg(sku ORDER BY day) AS skus, string_agg(sku, ',') AS list, json_agg(sku) AS json FROM orders",
    "SELECT x.sku FROM (SELECT unnest(likes) AS sku FROM orders) AS x JOIN orders AS o ON o.sku = x.sku",
    "SELECT lag(shipped, 1, '2026-01-01') OVER (ORDER BY day) = shipped AS same FROM orders",
    "SELECT data ->> 'a' AS a, data #>> '{a,b}' AS b, data @> '{\"a\": 1}' AS c, data ? 'a' AS d FROM orders WHERE data ->> 'a' = $1",
    "SELECT CASE customer_id WHEN $1::customer_id THEN 'a' ELSE sku END AS label FROM orders",
    "SELECT NULLIF(sku, 'none') AS sku, GREATEST(shipped, $1::ship_date) AS day FROM orders",
    "MERGE INTO invoices AS i USING orders AS o ON i.order_id = o.id WHEN MATCHED THEN UPDATE SET amount = o.price WHEN NOT MATCHED THEN INSERT (no, order_id, amount) VALUES ($1, o.id, 1)",
    // Numbers are computed with.
    "SELECT price * discount AS off, price * pieces AS total, price / 2 AS half, -price AS minus, abs(price) AS abs, round(price, 1) AS round FROM orders",
    "SELECT sum(price) AS sum, avg(price) AS avg, max(price) - min(price) AS range, COALESCE(sum(price), 0) AS total FROM orders",
    "SELECT id FROM orders WHERE price > 100 AND price > 99.5 AND price >= $1 AND price > half AND pieces > 3 AND pieces > 2 * boxes::integer",
    "UPDATE orders SET price = price * 1.1, pieces = pieces + 1, discount = $2 / 100 WHERE id = $1::order_id AND price - $3::price > 0",
    "UPDATE orders SET price = price + discount::numeric, boxes = boxes + pieces::integer WHERE id = $1::order_id",
    "SELECT id FROM orders WHERE price = discount::numeric AND COALESCE(price, 0) > 1",
    "SELECT id FROM orders FOR UPDATE",
];

#[tokio::test]
async fn each_mistake_is_found() {
    let mut shop = Shop::open().await;
    assert!(WRONG.len() > 150, "{}", WRONG.len());
    let mut missed = Vec::new();
    for (sql, part) in WRONG {
        let findings = shop.mixed_domains(sql).await;
        if !findings.iter().any(|finding| finding.contains(part)) {
            missed.push(format!("{sql}\n    wanted {part}\n    found {findings:?}"));
        }
    }
    assert!(
        missed.is_empty(),
        "{} missed\n{}",
        missed.len(),
        missed.join("\n")
    );
}

#[tokio::test]
async fn what_is_right_passes() {
    let mut shop = Shop::open().await;
    let mut alarms = Vec::new();
    for sql in RIGHT {
        let findings = shop.mixed_domains(sql).await;
        if !findings.is_empty() {
            alarms.push(format!("{sql}\n    {}", findings.join("\n    ")));
        }
    }
    assert!(
        alarms.is_empty(),
        "{} false alarms\n{}",
        alarms.len(),
        alarms.join("\n")
    );
}

#[tokio::test]
async fn a_pair_that_is_allowed_may_meet_and_no_other() {
    let mut shop = Shop::with(&[["sku", "country"], ["rate", "price"]]).await;
    for sql in [
        "SELECT o.id FROM orders AS o JOIN customers AS c ON c.country = o.sku",
        "SELECT CAST(sku AS country) AS c FROM orders",
        "SELECT price + discount AS sum FROM orders",
    ] {
        assert_eq!(shop.mixed_domains(sql).await, [""; 0], "{sql}");
    }
    for sql in [
        "SELECT id FROM orders WHERE id = $1::customer_id",
        // Compared is not taken for.
        "UPDATE orders SET sku = c.country FROM customers AS c WHERE c.id = customer_id",
    ] {
        assert_eq!(shop.mixed_domains(sql).await.len(), 1, "{sql}");
    }
}
