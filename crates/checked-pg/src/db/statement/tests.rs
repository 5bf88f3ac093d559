use super::*;

fn traits(sql: &str) -> Traits {
    let looked = look(sql);
    assert_eq!(Traits::of(sql), looked, "{sql}");
    assert_eq!(Traits::of(sql), looked, "remembered: {sql}");
    looked
}

#[test]
fn lists_are_sorted_for_the_search() {
    for list in [READING, ACTING, KEYWORDS] {
        assert!(list.is_sorted(), "{list:?}");
    }
}

#[test]
fn transaction_control_is_seen_wherever_it_hides() {
    for sql in [
        "COMMIT",
        "commit;",
        " -- a word\n/* and /* nested */ more */ CoMmIt",
        "-- a word\rCOMMIT",
        "BEGIN",
        "START TRANSACTION READ ONLY",
        "END",
        "ROLLBACK",
        "rollback to savepoint x",
        "ABORT",
        "SAVEPOINT x",
        "RELEASE x",
        "PREPARE TRANSACTION 'x'",
        "COMMIT AND CHAIN",
        "SELECT 1; COMMIT",
        "SELECT ';'; ; COMMIT",
        "SELECT $$;$$; COMMIT",
        "SELECT E'\\'; COMMIT; --'; ROLLBACK",
        "CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT CASE WHEN true THEN 1 END; SELECT 2; END; COMMIT",
    ] {
        assert!(traits(sql).controls_transaction, "{sql}");
    }
    for sql in [
        "SELECT 1",
        "SELECT 'COMMIT'",
        "SELECT 1 -- ; COMMIT",
        "SELECT 1 /* ; COMMIT */",
        "SELECT $q$; COMMIT; $q$",
        "SELECT '; COMMIT; '';'",
        "SELECT \"; COMMIT\" FROM t",
        "SELECT E'\\'; COMMIT; --'",
        "SELECT $1; SELECT 2",
        "PREPARE x AS SELECT 1",
        "SELECT commit FROM t",
        "CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT CASE WHEN true THEN 1 END; SELECT 2; END",
        "CREATE FUNCTION f() RETURNS void LANGUAGE plpgsql AS $$ BEGIN COMMIT; END $$",
    ] {
        assert!(!traits(sql).controls_transaction, "{sql}");
    }
}

#[test]
fn what_may_commit_a_part_of_it() {
    for sql in [
        "CALL pay()",
        "DO $$ BEGIN COMMIT; END $$",
        "SELECT 1; call pay()",
        "INSERT INTO t VALUES (1); COMMIT; SELECT 2",
    ] {
        assert!(traits(sql).may_commit_inside, "{sql}");
    }
    for sql in [
        "SELECT call()",
        "INSERT INTO t VALUES (1)",
        "SELECT 1; SELECT 2",
    ] {
        assert!(!traits(sql).may_commit_inside, "{sql}");
    }
}

#[test]
fn what_makes_something_temporary() {
    for sql in [
        "CREATE TEMP TABLE t (n int)",
        "create temporary view v as select 1",
        "CREATE TABLE pg_temp.t (n int)",
        "SELECT 1 AS n INTO TEMP t",
        "SELECT 1; CREATE TEMP TABLE t (n int)",
    ] {
        assert!(traits(sql).makes_temporary, "{sql}");
    }
    for sql in [
        "CREATE TABLE t (n int)",
        "SELECT n FROM pg_temp.t",
        "SELECT 'TEMP' INTO t",
    ] {
        assert!(!traits(sql).makes_temporary, "{sql}");
    }
}

#[test]
fn what_may_change_the_session() {
    for sql in [
        "SET statement_timeout = 0",
        "SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY",
        "RESET ALL",
        "SELECT set_config('a.b', 'c', false)",
        "SELECT pg_catalog.set_config('a.b', 'c', false)",
        "SELECT \"set_config\"('a.b', 'c', false)",
        "SELECT pg_advisory_lock(42)",
        "SELECT pg_try_advisory_lock(42)",
        "WITH l AS (SELECT pg_advisory_lock(42)) SELECT * FROM l",
        "INSERT INTO t VALUES (mine())",
        "UPDATE t SET a = public.lower(a)",
        "SELECT * FROM mine(1) AS (a int)",
        "SELECT * FROM a, mine() AS (a int)",
        "CREATE TEMP TABLE x (a int)",
        "CREATE TABLE pg_temp.x (a int)",
        "SELECT 1 INTO TEMPORARY x",
        "LISTEN x",
        "DECLARE c CURSOR WITH HOLD FOR SELECT 1",
        "PREPARE x AS SELECT 1",
        "EXECUTE x",
        "DO $$ BEGIN END $$",
        "CALL p()",
        "COPY t FROM STDIN",
        "LOAD 'x'",
        "DISCARD ALL",
        "EXPLAIN ANALYZE SELECT 1",
        "SELECT 1; SET a.b = 'c'",
        "SELECT query_to_xml('select set_config(…)', true, true, '')",
    ] {
        assert!(traits(sql).may_change_session, "{sql}");
    }
    for sql in [
        "SELECT 1",
        "SET LOCAL statement_timeout = 0",
        "SET TRANSACTION READ ONLY",
        "SELECT count(*) FILTER (WHERE a IN (1, 2)) OVER (PARTITION BY b) FROM t",
        "INSERT INTO t (a, b) VALUES ($1, $2) ON CONFLICT (a) DO UPDATE SET b = coalesce(excluded.b, 0)",
        "INSERT INTO s.t AS x (a) SELECT u.a FROM UNNEST($1::int[]) AS u (a)",
        "WITH w (a, b) AS (VALUES (1, 2)), v (c) AS MATERIALIZED (SELECT 1) SELECT * FROM w, v",
        "SELECT 'set_config(''a'', ''b'', false)', $1::numeric(12, 2), lower(pg_catalog.now()::text)",
        "SELECT nextval('s'), random(), pg_sleep(0.1)",
        "(SELECT 1) UNION ALL (SELECT 2)",
    ] {
        assert!(!traits(sql).may_change_session, "{sql}");
    }
}

#[test]
fn what_only_reads() {
    for sql in [
        "SELECT 1",
        "select count(*) from t where a = any($1) order by lower(b)",
        "(SELECT 1) UNION ALL (SELECT 2)",
        "WITH a AS (SELECT 1) SELECT * FROM a",
        "VALUES (1)",
        "TABLE t",
        "SHOW statement_timeout",
    ] {
        assert!(traits(sql).only_reads, "{sql}");
    }
    for sql in [
        "INSERT INTO t VALUES (1)",
        "WITH a AS (DELETE FROM t RETURNING *) SELECT * FROM a",
        "SELECT 1 INTO t",
        "SELECT * FROM t FOR UPDATE",
        "SELECT * FROM t FOR KEY SHARE",
        "SELECT nextval('s')",
        "SELECT random()",
        "SELECT mine()",
        "SELECT 1; SELECT 2",
        "CALL p()",
        "",
    ] {
        assert!(!traits(sql).only_reads, "{sql}");
    }
}

#[test]
fn several_statements_are_counted() {
    assert!(traits("SELECT 1; SELECT 2").several);
    assert!(!traits("SELECT 1;").several);
    assert!(!traits("SELECT ';'").several);
}

#[test]
fn texts_in_one_place_are_told_apart() {
    let mut text = String::from("SELECT 1");
    assert!(Traits::of(&text).only_reads);
    text.replace_range(.., "SET a =1");
    assert!(!Traits::of(&text).only_reads);
}

#[test]
fn an_end_in_the_middle_is_no_panic() {
    for sql in [
        "'",
        "\"",
        "E'\\",
        "$a$",
        "$",
        "/*",
        "--",
        "U&'",
        "(",
        "f(",
        "WITH x (",
        "1e",
        "BEGIN ATOMIC",
    ] {
        traits(sql);
    }
}
