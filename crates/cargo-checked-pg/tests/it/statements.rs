//! Statements that are wrong as a whole: for each rule what fires it, and beside it the mend, which does not.

use super::shop::Shop;

const UPSERT: &str = "INSERT INTO stock AS old (sku, day, cost, asked) VALUES ($1, $2, $3, $4) ON CONFLICT (sku, day) DO UPDATE SET";
const SET: &str = "cost = EXCLUDED.cost, asked = EXCLUDED.asked, updated_at = $5";
const WHERE: &str = "WHERE (old.cost, old.asked) IS DISTINCT FROM (EXCLUDED.cost, EXCLUDED.asked)";

/// A statement, and the parts of its one finding; none if it is right.
fn cases() -> Vec<(String, &'static [&'static str])> {
    let mut cases: Vec<(String, &[&str])> = Vec::new();
    let mut case = |sql: &str, parts: &'static [&'static str]| cases.push((sql.to_owned(), parts));

    // UPDATE and DELETE without WHERE
    case(
        "DELETE FROM tickets",
        &[
            "DELETE without WHERE changes every row of `tickets`; write WHERE, and WHERE true if that is meant",
        ],
    );
    case("DELETE FROM tickets WHERE true", &[]);
    case("DELETE FROM tickets WHERE no = $1::ticket_no", &[]);
    case(
        "UPDATE orders AS o SET day = $1",
        &["UPDATE without WHERE", "`o`"],
    );
    case("UPDATE orders SET day = $1 WHERE true", &[]);
    case(
        "UPDATE orders SET day = $1 FROM customers",
        &["UPDATE without WHERE"],
    );
    case(
        "UPDATE orders SET day = $1 FROM customers AS c WHERE c.id = customer_id",
        &[],
    );
    case(
        "DELETE FROM tickets USING invoices",
        &["DELETE without WHERE"],
    );
    case(
        "WITH gone AS (DELETE FROM tickets RETURNING no) SELECT count(*) AS n FROM gone",
        &["DELETE without WHERE"],
    );
    case(
        "WITH gone AS (DELETE FROM tickets WHERE no = $1::ticket_no RETURNING no) SELECT count(*) AS n FROM gone",
        &[],
    );

    // LIMIT without ORDER BY
    case(
        "SELECT id FROM orders LIMIT 1",
        &["LIMIT or OFFSET without ORDER BY"],
    );
    case(
        "SELECT id FROM orders LIMIT $1",
        &["LIMIT or OFFSET without ORDER BY"],
    );
    case("SELECT id FROM orders ORDER BY id LIMIT $1", &[]);
    case(
        "SELECT id FROM orders FETCH FIRST 3 ROWS ONLY",
        &["LIMIT or OFFSET"],
    );
    case("SELECT id FROM orders OFFSET 3", &["LIMIT or OFFSET"]);
    case(
        "SELECT EXISTS (SELECT FROM orders WHERE day = $1 LIMIT 1) AS found",
        &[],
    );
    case(
        "SELECT (SELECT id FROM orders WHERE day = $1 LIMIT 1) AS found",
        &["LIMIT or OFFSET"],
    );
    case("SELECT id FROM orders LIMIT ALL", &[]);
    case("SELECT count(*) AS n FROM orders LIMIT 1", &[]);
    case(
        "SELECT sku, count(*) AS n FROM orders GROUP BY sku LIMIT 1",
        &["LIMIT or OFFSET"],
    );
    case(
        "SELECT id FROM customers WHERE id IN (SELECT customer_id FROM orders LIMIT 5)",
        &["LIMIT or OFFSET"],
    );
    case(
        "SELECT o.id FROM customers AS c CROSS JOIN LATERAL (SELECT id FROM orders WHERE customer_id = c.id LIMIT 1) AS o",
        &["LIMIT or OFFSET"],
    );
    case(
        "DELETE FROM tickets WHERE no IN (SELECT no FROM tickets ORDER BY no LIMIT $1 FOR UPDATE SKIP LOCKED)",
        &[],
    );
    case(
        "SELECT DISTINCT ON (customer_id) id FROM orders",
        &["DISTINCT ON returns any row"],
    );
    case(
        "SELECT DISTINCT ON (customer_id) id FROM orders ORDER BY customer_id",
        &["DISTINCT ON returns any row"],
    );
    case(
        "SELECT DISTINCT ON (customer_id) id FROM orders ORDER BY customer_id, day DESC, id",
        &[],
    );
    case("SELECT DISTINCT customer_id FROM orders", &[]);

    // The server's time
    case(
        "SELECT id FROM orders WHERE made_at < now()",
        &["`now()` takes the time from the server; take it as a parameter"],
    );
    case("SELECT id FROM orders WHERE made_at < $1", &[]);
    case(
        "SELECT id FROM orders WHERE made_at < CURRENT_TIMESTAMP",
        &["`current_timestamp`"],
    );
    case(
        "SELECT id FROM orders WHERE made_at < LOCALTIMESTAMP(3)",
        &["`localtimestamp`"],
    );
    case(
        "SELECT id FROM orders WHERE day = current_date - 1",
        &["`current_date`"],
    );
    case("SELECT current_time AS t", &["`current_time`"]);
    case(
        "SELECT id FROM orders WHERE made_at < clock_timestamp()",
        &["`clock_timestamp()`"],
    );
    case(
        "SELECT id FROM orders WHERE made_at < statement_timestamp() - interval '1 day'",
        &["`statement_timestamp()`"],
    );
    case("SELECT age(made_at) AS age FROM orders", &["`age()`"]);
    case("SELECT age($1, made_at) AS age FROM orders", &[]);
    case(
        "SELECT id FROM orders WHERE made_at < 'now'",
        &["`'now'`", "once and for all"],
    );
    case(
        "SELECT id FROM orders WHERE day = 'Yesterday'::date",
        &["`'Yesterday'`"],
    );
    case("SELECT id FROM orders WHERE sku = 'now'", &[]);
    case(
        "SELECT current_user AS who, current_setting('TimeZone') AS zone",
        &[],
    );
    case(
        "INSERT INTO stock (sku, day, cost, created_at) VALUES ($1, $2, $3, now())",
        &["`now()`"],
    );
    case(
        "INSERT INTO stock (sku, day, cost, created_at) VALUES ($1, $2, $3, DEFAULT)",
        &[],
    );
    case(
        "UPDATE stock SET cost = $2, updated_at = now() WHERE sku = $1::sku",
        &["`now()`"],
    );
    case(
        "UPDATE stock SET cost = $2, updated_at = DEFAULT WHERE sku = $1::sku",
        &[],
    );

    // Upserts
    case(&format!("{UPSERT} {SET} {WHERE}"), &[]);
    case(&format!("{UPSERT} {SET}"), &[]);
    case(
        &format!("{UPSERT} {SET} {WHERE} RETURNING xmax = 0 AS inserted"),
        &[],
    );
    case(
        &format!(
            "{UPSERT} cost = EXCLUDED.cost, updated_at = $5 WHERE old.cost IS DISTINCT FROM EXCLUDED.cost"
        ),
        &["inserts `asked` and never corrects it; SET asked = EXCLUDED.asked"],
    );
    case(
        &format!(
            "{UPSERT} cost = EXCLUDED.cost, asked = old.asked, updated_at = $5 WHERE old.cost IS DISTINCT FROM EXCLUDED.cost"
        ),
        &[],
    );
    case(
        &format!("{UPSERT} {SET} WHERE old.cost IS DISTINCT FROM EXCLUDED.cost"),
        &[
            "sets `asked` and does not compare it",
            "against excluded.asked",
        ],
    );
    case(
        &format!(
            "{UPSERT} {SET} WHERE (old.cost, old.asked, old.pieces) IS DISTINCT FROM (EXCLUDED.cost, EXCLUDED.asked, EXCLUDED.pieces)"
        ),
        &["compares `pieces` and does not set it"],
    );
    case(
        &format!("{UPSERT} cost = EXCLUDED.cost, asked = EXCLUDED.asked {WHERE}"),
        &["`updated_at` keeps its old value"],
    );
    case(
        &format!("{UPSERT} cost = EXCLUDED.asked, asked = EXCLUDED.asked, updated_at = $5"),
        &["puts `asked` beside `cost`; write EXCLUDED.cost"],
    );
    case(
        &format!(
            "{UPSERT} cost = EXCLUDED.cost, asked = COALESCE(EXCLUDED.asked, old.asked), updated_at = $5 WHERE (old.cost, old.asked) IS DISTINCT FROM (EXCLUDED.cost, COALESCE(EXCLUDED.asked, old.asked))"
        ),
        &[],
    );
    case(
        &format!(
            "{UPSERT} cost = EXCLUDED.cost, asked = COALESCE(EXCLUDED.asked, old.asked), updated_at = $5 {WHERE}"
        ),
        &["sets `asked` and does not compare it"],
    );
    case(
        &format!(
            "{UPSERT} {SET} WHERE EXCLUDED.cost IS DISTINCT FROM old.cost OR EXCLUDED.asked IS DISTINCT FROM old.asked"
        ),
        &[],
    );
    case(&format!("{UPSERT} {SET} WHERE old.updated_at < $5"), &[]);
    case(
        "INSERT INTO stock AS old (sku, day, cost) SELECT * FROM UNNEST($1::sku[], $2::date[], $3::price[]) ON CONFLICT ON CONSTRAINT stock_pkey DO UPDATE SET cost = EXCLUDED.cost, updated_at = DEFAULT WHERE old.cost IS DISTINCT FROM EXCLUDED.cost",
        &[],
    );
    case(
        "WITH w AS (INSERT INTO stock AS old (sku, day, cost, pieces) VALUES ($1, $2, $3, 4) ON CONFLICT (sku, day) DO UPDATE SET cost = EXCLUDED.cost, updated_at = DEFAULT RETURNING sku) SELECT count(*) AS n FROM w",
        &["inserts `pieces` and never corrects it"],
    );
    case(
        "INSERT INTO stock (sku, day, cost) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
        &[],
    );
    case(
        "UPDATE stock SET cost = $2 WHERE sku = $1::sku",
        &["`updated_at` keeps its old value; set it as well"],
    );
    case(
        "UPDATE stock SET cost = $2, updated_at = $3 WHERE sku = $1::sku",
        &[],
    );
    case("UPDATE touched SET label = $2 WHERE id = $1", &[]);
    case(
        "INSERT INTO stock AS old (sku, day, cost) VALUES ($1, $2, $3) ON CONFLICT (day) DO UPDATE SET cost = EXCLUDED.cost, updated_at = $4",
        &["PostgreSQL: ", "no unique or exclusion constraint"],
    );

    // Values that are missing
    case(
        "INSERT INTO stock (sku, day) VALUES ($1, $2)",
        &["gives no value for `cost`, which is NOT NULL and has no default; name it"],
    );
    case("INSERT INTO touched (id) VALUES ($1)", &[]);
    case(
        "INSERT INTO stock (sku, day, cost) VALUES ($1, $2, NULL)",
        &["`cost` is NOT NULL and is given NULL"],
    );
    case(
        "INSERT INTO stock (sku, day, cost, asked) VALUES ($1, $2, $3, NULL)",
        &[],
    );
    case(
        "UPDATE stock SET cost = NULL, updated_at = $2 WHERE sku = $1::sku",
        &["`cost` is NOT NULL"],
    );

    // Another value each time
    case(
        "UPDATE stock SET pieces = roll(6), updated_at = $2 WHERE sku = $1::sku",
        &["`roll()` gives `pieces` another value each time"],
    );
    case(
        "UPDATE stock SET pieces = abs(pieces), updated_at = $2 WHERE sku = $1::sku",
        &[],
    );
    case(
        "UPDATE stock SET cost = (random() * 100)::numeric, updated_at = $2 WHERE sku = $1::sku",
        &["`random()` gives `cost`"],
    );
    case(
        "UPDATE orders SET customer_id = gen_random_uuid()::customer_id WHERE id = $1::order_id",
        &["`gen_random_uuid()`"],
    );
    case(
        "INSERT INTO stock AS old (sku, day, cost) VALUES ($1, $2, $3) ON CONFLICT (sku, day) DO UPDATE SET cost = EXCLUDED.cost * random()::numeric, updated_at = DEFAULT",
        &["`random()` gives `cost`"],
    );

    // = NULL
    case(
        "SELECT id FROM orders WHERE shipped = NULL",
        &["`orders.shipped = NULL` is never true; write `orders.shipped IS NULL`"],
    );
    case("SELECT id FROM orders WHERE shipped IS NULL", &[]);
    case(
        "SELECT id FROM orders WHERE NULL <> shipped",
        &["write `orders.shipped IS NOT NULL`"],
    );
    case(
        "SELECT id FROM orders WHERE price > NULL",
        &["`orders.price > NULL` is never true"],
    );
    case(
        "SELECT id FROM orders WHERE sku = NULL::sku",
        &["write `orders.sku IS NULL`"],
    );
    case(
        "SELECT id FROM orders WHERE sku NOT IN ('a', NULL)",
        &["`orders.sku <> NULL` is never true"],
    );
    case(
        "SELECT id FROM orders WHERE sku IN ('a', 'b') OR sku IS NOT DISTINCT FROM NULL",
        &[],
    );
    case(
        "SELECT CASE sku WHEN NULL THEN 1 ELSE 2 END AS n FROM orders",
        &["`the value of the CASE = NULL` is never true"],
    );
    case(
        "SELECT CASE WHEN sku IS NULL THEN 1 ELSE 2 END AS n FROM orders",
        &[],
    );
    case(
        "UPDATE orders SET shipped = NULL WHERE id = $1::order_id",
        &[],
    );
    cases
}

#[tokio::test]
async fn rules_fire_and_only_when_they_should() {
    let mut shop = Shop::open().await;
    let mut wrong = Vec::new();
    for (sql, parts) in cases() {
        let findings = shop.findings(&sql).await;
        let right = match (&findings[..], parts) {
            (found, []) => found.is_empty(),
            ([one], parts) => parts.iter().all(|part| one.contains(part)),
            _ => false,
        };
        if !right {
            wrong.push(format!(
                "{sql}\n    wanted {parts:?}\n    found {findings:?}"
            ));
        }
    }
    assert!(wrong.is_empty(), "{}\n{}", wrong.len(), wrong.join("\n"));
}
