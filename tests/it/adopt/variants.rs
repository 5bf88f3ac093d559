//! Old databases of other shapes: what SQLAlchemy made, columns of other types, missing ones, and what others have on the tables.

use llm_trading_db::{
    config::Config,
    db::Db,
    repo::{orders, positions, trades},
    types::{Direction, OrderId, TradeStatus},
};

use super::{
    adopting::{adopt, lines, report},
    old::Old,
    rows::with_documents,
};
use crate::cli::{binary, end};

/// What the models of SQLAlchemy made.
const MODELS: &str = r#"
CREATE TABLE events (id varchar PRIMARY KEY, event_type varchar(50) NOT NULL, week_id varchar(10) NOT NULL, account_id varchar(50),
    timestamp timestamp NOT NULL, payload json NOT NULL, parent_event_id varchar REFERENCES events (id), summary text);
CREATE TABLE research_packs (id varchar PRIMARY KEY, week_id varchar(10), provider varchar(50), research_data json, created_at timestamp,
    completed_at timestamp, success boolean, error_message text);
CREATE TABLE pm_pitches (id varchar PRIMARY KEY, week_id varchar(10), model varchar(100), pitch_data json, created_at timestamp,
    validation_status varchar(20), research_pack_a_id varchar);
CREATE TABLE peer_reviews (id varchar PRIMARY KEY, week_id varchar(10), pitch_id varchar REFERENCES pm_pitches (id),
    reviewer_model varchar(100), anonymized_pitch_label varchar(20), review_data json, created_at timestamp);
CREATE TABLE chairman_decisions (id varchar PRIMARY KEY, week_id varchar(10) UNIQUE, model varchar(100), decision_data json, created_at timestamp);
CREATE TABLE orders (id varchar PRIMARY KEY, week_id varchar(10), account_id varchar(50), order_id varchar, symbol varchar(10), side varchar(10),
    qty float, order_type varchar, limit_price float, status varchar, decision_id varchar, created_at timestamp, updated_at timestamp);
CREATE TABLE positions (id varchar PRIMARY KEY, week_id varchar(10), account_id varchar(50), symbol varchar(10), qty float,
    avg_entry_price float, current_price float, unrealized_pl float, created_at timestamp);
CREATE TABLE week_metadata (week_id varchar(10) PRIMARY KEY, state varchar, council_account_status varchar);
INSERT INTO research_packs VALUES
    ('pack1', '2026-02-11', 'gemini_deep', '{"macro_regime": {}}', '2026-02-11 12:00:00.5', '2026-02-11 12:30', true, NULL),
    ('pack2', '2026-02-11', 'bing', '{}', '2026-02-11 12:01', NULL, NULL, NULL);
INSERT INTO pm_pitches VALUES
    ('pitch_00000000-0000-4000-8000-00000000000b', '2026-02-11', 'chatgpt', §pitch_v2§::json, '2026-02-11 13:00', 'ok', 'pack1'),
    ('pitch_x', '2026-02-11', 'groq', (§pitch_v2§ - 'model_info')::json, '2026-02-11 13:01', 'ok', NULL),
    ('pitch_y', '2026-02-11', 'claude', (§pitch_v2§ - 'model_info')::json, '2026-02-11 13:02', 'ok', NULL);
INSERT INTO peer_reviews VALUES
    ('review_1', '2026-02-11', 'pitch_00000000-0000-4000-8000-00000000000b', 'groq', NULL, §review§::json, '2026-02-11 14:00'),
    ('review_2', '2026-02-11', 'pitch_x', 'chatgpt', 'Pitch C', §review§::json, '2026-02-11 14:01');
INSERT INTO chairman_decisions VALUES ('dec1', '2026-02-11', 'chairman', (§decision§ - 'model')::json, '2026-02-11 15:00');
INSERT INTO events VALUES ('e1', 'week_start', '2026-02-11', NULL, '2026-02-11 10:00', '{}', NULL, NULL),
    ('e2', 'order_placed', '2026-02-11', 'GROQ', '2026-02-11 10:01', '{"x": 1}', 'e1', 'short');
INSERT INTO week_metadata VALUES ('2026-02-11', 'completed', 'long');
INSERT INTO orders VALUES
    ('o1', '2026-02-12', 'CHATGPT', 'b-2', 'TLT', 'buy', 10.5, 'limit', 91.3, 'filled', NULL, '2026-02-12 15:02', '2026-02-12 15:03'),
    ('o2', '2026-02-11', 'CHATGPT', 'b-1', 'TLT', 'buy', 10.5, 'market', NULL, 'rejected', NULL, '2026-02-12 15:00', '2026-02-12 15:01'),
    ('o3', '2026-02-11', 'COUNCIL', NULL, 'tlt', 'BUY', 4, 'market', NULL, 'pending', 'dec1', '2026-02-12 15:04', NULL),
    ('o4', '2026-02-11', 'CHATGPT', 'b-4', 'TLT', 'sell', 10.5, 'market', NULL, 'filled', NULL, '2026-02-16 15:00', NULL),
    ('o5', '2026-02-11', 'GROQ', 'b-5', 'SPY', 'buy', 1, 'market', NULL, 'filled', NULL, '2026-02-12 15:05', NULL),
    ('o6', '2026-02-11', 'CHATGPT', NULL, 'TLT', 'buy', 1, 'market', NULL, 'filled', NULL, '2026-02-12 15:06', NULL),
    ('o7', '2026-02-11', 'CHATGPT', 'b-7', 'TLT', 'buy', 'NaN', 'market', NULL, 'filled', NULL, '2026-02-12 15:07', NULL),
    ('o8', '2026-02-11', 'CHATGPT', 'b-8', 'TLT', 'buy', 2, 'limit', 91.30005, 'filled', NULL, '2026-02-12 15:08', NULL);
INSERT INTO positions VALUES
    ('pos_GROQ_SPY_1', '2026-02-04', 'GROQ', 'SPY', 3, 500, NULL, 1.5, '2026-02-04 20:00'),
    ('pos_GROQ_SPY_2', '2026-02-11', 'GROQ', 'SPY', -7.25, 501.333333333, 502.5, 2.5, '2026-02-11 20:00'),
    ('pos_GROQ_TLT', '2026-02-11', 'GROQ', 'TLT', 0, 91, 91, 0, '2026-02-11 20:01');
"#;

#[tokio::test]
async fn what_sqlalchemy_made_is_adopted() {
    let old = Old::bare().await;
    old.run(&with_documents(MODELS)).await;
    let report = report(&adopt(&old, &["--account-of", "groq=GROQ", "--json"]));
    assert_eq!(
        lines(&report),
        [
            "pm_pitches 3 2 1",
            "peer_reviews 2 2 0",
            "chairman_decisions 1 1 0",
            "events 2 1 1",
            "orders 8 3 5",
            "positions 3 1 2",
            "research_packs 2 1 1",
            "week_metadata 1 0 1",
        ]
    );
    let refused =
        "SELECT table_name || ' ' || legacy_key || ' ' || code FROM adoption.refused ORDER BY 1";
    assert_eq!(
        old.texts(refused).await,
        [
            "events e1 no_account",
            "orders o4 side_differs",
            "orders o5 no_trade",
            "orders o6 not_at_broker",
            "orders o7 quantity_form",
            "orders o8 price_form",
            "pm_pitches pitch_y account_unknown",
            "positions pos_GROQ_SPY_1 superseded",
            "positions pos_GROQ_TLT quantity_form",
            "research_packs pack2 provider_unknown",
            "week_metadata * no_counterpart",
        ]
    );
    let pitch = "SELECT id || ' ' || research_date FROM pm_pitches WHERE model = 'chatgpt'";
    assert_eq!(
        old.text(pitch).await,
        "00000000-0000-4000-8000-00000000000b 2026-02-11 12:00:00.5+00"
    );
    // Its review still is about it.
    let about = "SELECT model FROM pm_pitches JOIN peer_reviews ON pitch_id = pm_pitches.id WHERE reviewer_model = 'chatgpt'";
    assert_eq!(old.text(about).await, "groq");
    orders_belong_to_trades(&old).await;
}

/// Orders are attempts at the trade that a pitch or a decision asked for, as the repositories have it.
async fn orders_belong_to_trades(old: &Old) {
    let db = Db::connect(&Config::from_url(&old.url).unwrap())
        .await
        .unwrap();
    let found = trades::of_week(&db, "2026-02-11".parse().unwrap())
        .await
        .unwrap();
    let [of_chatgpt, of_council] = &found[..] else {
        panic!("{found:?}");
    };
    assert!(of_chatgpt.pitch_id.is_some() && of_council.pitch_id.is_none());
    assert_eq!(of_chatgpt.status, TradeStatus::Executed);
    assert_eq!(of_council.status, TradeStatus::Executing);
    assert_eq!(of_council.conviction.to_string(), "1.1");
    let attempts = orders::of_trade(&db, of_chatgpt.id).await.unwrap();
    let told: Vec<String> = attempts
        .iter()
        .map(|o| {
            format!(
                "{} {} {:?}",
                o.attempt,
                o.broker_order_id.as_deref().unwrap(),
                o.status
            )
        })
        .collect();
    assert_eq!(told, ["1 b-1 Rejected", "2 b-2 Filled"]);
    assert_eq!(attempts[1].id, OrderId::of_attempt(of_chatgpt.id, 2));
    assert_eq!(attempts[1].limit_price.unwrap().to_string(), "91.3000");
    let held = positions::list(&db).await.unwrap();
    assert_eq!(held.len(), 1);
    assert_eq!(
        (held[0].direction, held[0].quantity.to_string().as_str()),
        (Direction::Short, "7.25")
    );
    assert_eq!(held[0].avg_entry_price.to_string(), "501.3333");
    let rounded = "SELECT was || ' ' || is_now FROM adoption.changed WHERE code = 'rounded'";
    assert_eq!(old.text(rounded).await, "501.333333333 501.3333");
    assert!(db.close(std::time::Duration::from_secs(5)).await);
}

#[tokio::test]
async fn columns_of_other_types_read_as_what_they_hold() {
    let old = Old::bare().await;
    old.run(
        r#"
        CREATE TABLE daily_bars (id bigint, symbol text, date text, close double precision, high real, low text, volume numeric, note text);
        INSERT INTO daily_bars VALUES (1, 'SPY', '2026-01-05', 500.25, 501.5, '499', 1e3, 'kept in the old table'),
            (2, 'QQQ', '2026-01-05', 'Infinity', 'NaN', 'abc', 1e30, NULL), (3, 'IWM', '2026-13-45', 1, 2, '0.5', 3, NULL),
            (NULL, 'DIA', '20000-01-05', 1, 2, '0.5', 4, NULL), (2, 'XLF', '2026-01-05T10:00:00Z', 1.123456789, 2, '0.5', 5, NULL);
        CREATE TABLE execution_events (id text, week_id char(12), event_type text, account text, event_data json, occurred_at text);
        INSERT INTO execution_events VALUES
            ('a', '2026-02-11', 'ENTRY', 'GROQ', '{"price": 1e400, "direction": "LONG", "conviction": 1}', '2026-02-11T10:00:00Z'),
            ('b', '2026-02-11', 'note', 'GROQ', '{"a": "\u0000"}', '2026-02-11T10:01:00Z'),
            ('c', '2026-02-11', 'note', 'GROQ', '{"a": 1, "a": 2}', '2026-02-11T10:02:00'),
            ('c', '2026-02-11', 'note', 'GROQ', '{"a": 3}', '2026-02-11T10:03:00+05:30'),
            ('d', '2026-02-11', 'VOID', 'GROQ', '{"event_id": "00000000-0000-4000-8000-0000000000ff", "reason": "r"}', '2026-02-11T10:04:00Z');
        CREATE TABLE accounts (id smallint, balance money);
        INSERT INTO accounts VALUES (1, '1234.50'), (2, '-3.00'), (3, NULL);
        CREATE TABLE weekly_performance (id integer, account text, week_id text, net_pnl double precision, calculated_at timestamp);
        INSERT INTO weekly_performance VALUES (1, 'GROQ', '2026-02-11', 10.25, '2026-02-11'), (2, 'GROQ', '2026-02-18', 10.125, NULL);
        CREATE TABLE logs (id integer, level text, message text, data text);
        INSERT INTO logs VALUES (1, ' warn ', 'm', '{"a": 1.50}'), (2, 'INFO', 'n', 'no JSON');
        "#,
    )
    .await;
    let report = report(&adopt(&old, &["--json"]));
    assert_eq!(
        lines(&report),
        [
            "daily_bars 5 3 2",
            "weekly_performance 2 1 1",
            "accounts 3 1 2",
            "logs 2 1 1",
            "execution_events 5 3 2",
        ]
    );
    let bars =
        "SELECT concat_ws(' ', symbol, high, low, close, volume) FROM daily_bars ORDER BY symbol";
    assert_eq!(
        old.texts(bars).await,
        [
            "QQQ",
            "SPY 501.5000 499.0000 500.2500 1000",
            "XLF 2.0000 0.5000 1.1235 5"
        ]
    );
    let events = "SELECT event_type || ' ' || (event_data - 'event_type')::text || ' ' || occurred_at FROM execution_events ORDER BY occurred_at";
    assert_eq!(
        old.texts(events).await,
        [
            "note {\"a\": 3} 2026-02-11 04:33:00+00",
            "note {\"a\": 2} 2026-02-11 10:02:00+00",
            "legacy_VOID {\"reason\": \"r\", \"event_id\": \"00000000-0000-4000-8000-0000000000ff\"} 2026-02-11 10:04:00+00",
        ]
    );
    let keys = "SELECT string_agg(legacy_key, ' ' ORDER BY legacy_key) FROM adoption.changed WHERE code = 'duplicate_key'";
    assert_eq!(old.text(keys).await, "c");
    assert_eq!(report["notes"][0]["field"], "note");
}

#[tokio::test]
async fn returns_are_computed_from_the_bars_and_copied_where_there_are_none() {
    let old = Old::new().await;
    old.run(
        "INSERT INTO daily_bars (symbol, date, close) VALUES ('SPY', '2026-01-05', 100), ('SPY', '2026-01-06', 110);
         INSERT INTO daily_log_returns (symbol, date, log_return) VALUES
             ('SPY', '2026-01-06', 0.09531018), ('SPY', '2026-01-05', 0.5), ('QQQ', '2026-01-06', 'NaN');",
    )
    .await;
    end(binary(&old.url).args(["adopt", "--json"])).json();
    let derived = "SELECT report #>> '{derived,1}' FROM adoption.run";
    let derived: serde_json::Value = serde_json::from_str(&old.text(derived).await).unwrap();
    assert_eq!(derived["name"], "daily_log_returns");
    assert_eq!(
        (&derived["equal"], &derived["legacy_only"]),
        (&1.into(), &2.into())
    );

    let old = Old::new().await;
    old.run(
        "INSERT INTO daily_log_returns (symbol, date, log_return) VALUES ('SPY', '2026-01-06', 0.09531018), ('QQQ', '2026-01-06', 'NaN');
         INSERT INTO correlation_matrix (date, symbol_1, symbol_2, correlation) VALUES
             ('2026-01-06', 'SPY', 'SPY', 1.00000005), ('2026-01-06', 'SPY', 'QQQ', 1.5);",
    )
    .await;
    report(&adopt(&old, &["--json"]));
    assert_eq!(
        old.text("SELECT log_return::text FROM daily_log_returns")
            .await,
        "0.09531018"
    );
    assert_eq!(
        old.text("SELECT correlation || ' ' || window_rows FROM correlation_matrix")
            .await,
        "1.00000000 30"
    );
}

#[tokio::test]
async fn objects_and_rights_of_others_are_listed() {
    let old = Old::new().await;
    let role = format!("reader_{}", std::process::id());
    old.run(&format!(
        "CREATE ROLE {role}; SET check_function_bodies = off; GRANT SELECT ON accounts TO {role};
         CREATE VIEW rich AS SELECT id FROM accounts WHERE balance > 100;
         CREATE TABLE notes (id integer, account integer REFERENCES accounts (id));
         CREATE FUNCTION closes() RETURNS bigint LANGUAGE sql AS 'SELECT count(close) FROM daily_bars, users, my_accounts';
         CREATE TABLE my_accounts (id integer);
         CREATE FUNCTION quiet() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
         CREATE TRIGGER hush BEFORE INSERT ON users FOR EACH ROW EXECUTE FUNCTION quiet();
         INSERT INTO accounts (balance) VALUES (120.50);"
    ))
    .await;
    let report = end(binary(&old.url).args(["adopt", "--grant-like-before", "--json"])).json();
    let others: Vec<String> = report["others"]
        .as_array()
        .unwrap()
        .iter()
        .map(|o| format!("{} {}", o["kind"], o["name"]).replace('"', ""))
        .collect();
    assert_eq!(
        others,
        [
            "foreign key notes_account_fkey",
            "function closes()",
            "table my_accounts",
            "table notes",
            "trigger hush",
            "view public.rich"
        ]
    );
    assert_eq!(
        report["others"][1]["what"],
        "names daily_bars, users in its text, and finds the new tables from now on"
    );
    assert_eq!(report["rights"][0]["role"], role);
    // What hung on the old table still does.
    assert_eq!(old.text("SELECT count(*)::text FROM rich").await, "1");
    let may = format!("SELECT has_table_privilege('{role}', 'public.accounts', 'SELECT')::text");
    assert_eq!(old.text(&may).await, "true");
    old.run(&format!("DROP OWNED BY {role}; DROP ROLE {role}"))
        .await;
}

#[tokio::test]
async fn a_published_table_is_not_moved_without_being_told_so() {
    let old = Old::new().await;
    old.run("CREATE PUBLICATION feed FOR TABLE daily_bars, users")
        .await;
    adopt(&old, &[]).failed(&["feed of daily_bars, feed of users", "--allow-published"]);
    let allowed = end(binary(&old.url).args(["adopt", "--allow-published", "--json"])).json();
    assert_eq!(allowed["others"][0]["kind"], "publication");
}

#[tokio::test]
async fn rows_that_were_mended_are_adopted_by_another_run() {
    let old = Old::new().await;
    old.run(&super::rows::rows()).await;
    adopt(&old, &["--again"]).failed(&["was not adopted yet"]);
    report(&adopt(&old, &["--json"]));
    // A pitch, and with it its review; money; a bar; an event that is like one that is there.
    old.run(
        "UPDATE legacy.pm_pitches SET pitch_data = pitch_data || '{\"conviction\": 1.75}' WHERE model = 'claude';
         UPDATE legacy.accounts SET balance = 400.50 WHERE balance = -400;
         UPDATE legacy.daily_bars SET symbol = 'VIX' WHERE symbol = '^VIX';
         UPDATE legacy.execution_events AS late SET (week_id, event_type, account, event_data, occurred_at)
             = (SELECT week_id, event_type, account, event_data, occurred_at FROM legacy.execution_events WHERE right(id::text, 2) = '01')
             WHERE week_id = 'unknown'",
    )
    .await;
    let dry = report(&adopt(&old, &["--again", "--dry-run", "--json"]));
    let again = report(&adopt(&old, &["--again", "--json"]));
    assert_eq!(dry["tables"], again["tables"]);
    assert_eq!(
        lines(&again),
        [
            "daily_bars 3 1 2",
            "hourly_snapshots 1 0 1",
            "fetch_log 2 0 2",
            "account_performance 3 0 3",
            "weekly_performance 1 0 1",
            "market_condition_performance 1 0 1",
            "users 2 0 2",
            "accounts 2 1 1",
            "logs 3 0 3",
            "research_reports 2 0 2",
            "pm_pitches 5 1 4",
            "peer_reviews 3 1 2",
            "chairman_decisions 1 0 1",
            "execution_events 2 1 1",
        ]
    );
    let of = "SELECT reviewer_model FROM peer_reviews JOIN pm_pitches ON pitch_id = pm_pitches.id WHERE model = 'claude'";
    assert_eq!(old.text(of).await, "groq");
    assert_eq!(
        old.text("SELECT sum(balance)::text FROM accounts").await,
        "1900.85"
    );
    let listed = "SELECT count(*)::text FROM adoption.refused WHERE table_name = 'pm_pitches'";
    assert_eq!(old.text(listed).await, "4");
    end(binary(&old.url).arg("doctor")).ok();
}
