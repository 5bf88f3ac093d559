//! The commands of docs/from-asyncpg.md, in their order.

use std::{fs, path::Path};

use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};

use super::{Desk, python};
use crate::{
    adopt::old::Old,
    cli::{binary, end},
    fixtures::count,
};

const GUIDE: &str = include_str!("../../../docs/from-asyncpg.md");

/// The blocks of a language, in order.
fn blocks(language: &str) -> Vec<&'static str> {
    let begin = format!("```{language}\n");
    let after = GUIDE.split(begin.as_str()).skip(1);
    after
        .map(|rest| rest.split("```").next().unwrap())
        .collect()
}

#[tokio::test]
async fn the_statements_of_the_guide_let_a_program_in_and_out() {
    let desk = Desk::new().await;
    // Roles belong to the server, which other tests use as well.
    let role = format!("desk_python_{}", std::process::id());
    let [enter, look, leave] = &blocks("sql")[..] else {
        panic!("the guide has other statements: {:?}", blocks("sql"));
    };
    let mut owner = PgConnection::connect_with(&desk.options).await.unwrap();
    let run = async |owner: &mut PgConnection, block: &str| {
        let block = block.replace("desk_python", &role);
        owner.execute(AssertSqlSafe(block)).await.unwrap();
    };
    run(&mut owner, "CREATE ROLE desk_python LOGIN").await;
    run(&mut owner, enter).await;

    let mut python = PgConnection::connect_with(&desk.options.clone().username(&role))
        .await
        .unwrap();
    // As its programs have it: no schema is named, and a week is text.
    let written =
        "INSERT INTO execution_events (week_id, event_type, account, event_data, occurred_at)
        VALUES ('2026-01-07', 'note', 'GROQ', '{}', '2026-01-08Z')";
    python.execute(written).await.unwrap();
    let week: String = sqlx::query_scalar("SELECT week_id FROM execution_events")
        .fetch_one(&mut python)
        .await
        .unwrap();
    assert_eq!(week, "2026-01-07");
    let bar = "INSERT INTO daily_bars (symbol, date, close) VALUES ('SPY', '2026-01-07', 600)
        ON CONFLICT (symbol, date) DO UPDATE SET close = EXCLUDED.close";
    python.execute(bar).await.unwrap();
    assert_eq!(count(&desk.db, "execution_events").await, 1);

    let sessions = async |owner: &mut PgConnection| -> i64 {
        let look = look.replace("desk_python", &role);
        sqlx::query_scalar(AssertSqlSafe(look))
            .fetch_one(owner)
            .await
            .unwrap()
    };
    assert_eq!(sessions(&mut owner).await, 1);
    // The desk's own commands are not disturbed.
    end(binary(&desk.url).arg("doctor")).ok();
    python.close().await.unwrap();
    while sessions(&mut owner).await > 0 {
        tokio::task::yield_now().await;
    }
    run(&mut owner, leave).await;
    // Nothing is left of it that would keep the role.
    run(&mut owner, "DROP ROLE desk_python").await;
}

/// The first step of the guide on a database that the Python layer filled, and its programs before and after.
#[tokio::test]
async fn a_team_adopts_on_a_monday_and_its_programs_go_on() {
    let old = Old::new().await;
    old.run(include_str!("old_views.sql")).await;
    old.run(super::WEEKS).await;
    old.run(super::CONDITION).await;
    let Some(_) = python::run("writers.py", &old.url, &["all_of_it"]) else {
        return;
    };
    let before = python::run("readers.py", &old.url, &[]).unwrap();

    let [adopt, mend, forget] = &blocks("sh")[..] else {
        panic!("the guide has other commands: {:?}", blocks("sh"));
    };
    run(&old, adopt);
    let refused = old
        .texts("SELECT DISTINCT table_name FROM adoption.refused ORDER BY 1")
        .await;
    let calculated = [
        "correlation_matrix",
        "daily_log_returns",
        "rolling_7day_log_returns",
    ];
    assert!(
        refused
            .iter()
            .all(|table| calculated.contains(&table.as_str())),
        "{refused:?}"
    );

    let compat = super::through_compat(&old.url);
    let now = python::run("readers.py", &compat, &[]).unwrap();
    assert_eq!(now.len(), before.len());
    for ((name, before), (_, now)) in before.iter().zip(&now) {
        if !["get_week_id", "fetch_market_metrics"].contains(&name.as_str()) {
            assert_eq!(before, now, "{name}");
        }
    }
    // What was mended is adopted, and what is left of before can go.
    old.run("INSERT INTO legacy.accounts (balance) VALUES (12.50)")
        .await;
    run(&old, mend);
    let saved = python::run("writers.py", &compat, &["pitches_again", "2"]).unwrap();
    assert_eq!(saved[0].0, "saved", "{saved:?}");
    let reviews = "SELECT count(*)::text FROM public.peer_reviews";
    assert_eq!(old.text(reviews).await, "3");
    run(&old, forget);
    assert_eq!(old.text(reviews).await, "3");
    let now = python::run("readers.py", &compat, &[]).unwrap();
    assert_eq!(now.len(), before.len());
}

/// Runs the commands of a block of the guide.
fn run(old: &Old, block: &str) {
    for command in block.lines() {
        let mut words = command.split(' ');
        assert_eq!(words.next(), Some("llm-trading-db"), "{command}");
        let ended = end(binary(&old.url).args(words));
        // 3: some of what is calculated from the bars is calculated anew.
        assert!(matches!(ended.code, Some(0 | 3)), "{command}: {ended:?}");
    }
}

/// A program that goes on writing while its tables move waits for the end of that, and then writes on through `compat`: its search path
/// named that schema before there was one.
#[tokio::test]
async fn a_program_at_work_while_the_tables_move_loses_nothing() {
    const EVENTS: usize = 3_000;
    let old = Old::new().await;
    old.run(include_str!("old_views.sql")).await;
    let compat = super::through_compat(&old.url);
    let Some(writer) = python::start("writers.py", &compat, &["events", "GROQ", "3000"]) else {
        return;
    };
    let written = "SELECT count(*) FROM execution_events";
    while old.holds(&format!("({written}) < 20")).await {}
    let adopted = end(binary(&old.url).args(["adopt", "--while-connected", "--json"])).json();
    let in_time = adopted["tables"].as_array().unwrap().iter();
    let in_time: u64 = in_time
        .filter(|table| table["name"] == "execution_events")
        .map(|table| table["adopted"].as_u64().unwrap())
        .sum();
    let acknowledged = tokio::task::spawn_blocking(|| writer.end()).await.unwrap();
    assert_eq!(acknowledged.len(), EVENTS);
    assert!((20..EVENTS as u64).contains(&in_time), "{in_time}");
    let each = "SELECT count(DISTINCT event_data ->> 'n') || ' of ' || count(*) FROM public.execution_events";
    assert_eq!(old.text(each).await, format!("{EVENTS} of {EVENTS}"));
    // Those whose id could not stay are found under the one that they have now.
    let ids: Vec<String> = acknowledged
        .iter()
        .map(|(_, id)| id.as_str().unwrap().trim_start_matches("UUID ").to_owned())
        .collect();
    let found = format!(
        "(SELECT count(*) FROM unnest('{{{}}}'::uuid[]) AS told
          WHERE EXISTS (SELECT FROM public.execution_events AS e
                        WHERE e.id = COALESCE((SELECT id FROM adoption.id_map WHERE legacy_id = told::text), told))) = {EVENTS}",
        ids.join(",")
    );
    assert!(old.holds(&found).await);
    end(binary(&old.url).arg("doctor")).ok();
}

/// All of a module that is a file, or a folder with more of it.
fn source(module: &str) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let files = ["repo/", ""].map(|folder| root.join(format!("{folder}{module}")));
    let mut text = String::new();
    for file in files {
        for found in [file.with_extension("rs"), file.join("mod.rs")] {
            text += &fs::read_to_string(found).unwrap_or_default();
        }
        for found in fs::read_dir(file).into_iter().flatten() {
            text += &fs::read_to_string(found.unwrap().path()).unwrap();
        }
    }
    text
}

/// A route of before that is promised a function has it.
#[test]
fn the_functions_of_the_routes_are_there() {
    let (_, table) = GUIDE.split_once("| route | function |").unwrap();
    let (table, _) = table.split_once("\n\n").unwrap();
    let mut seen = 0;
    for line in table.lines().filter(|line| line.starts_with("| `")) {
        let mut module = String::new();
        let cell = line.split('|').nth(2).unwrap();
        let names = cell.split('`').skip(1).step_by(2);
        for name in names.filter(|name| *name != "weekly_graph") {
            let function = match name.rsplit_once("::") {
                Some((path, function)) => {
                    module = path.replace("::", "/");
                    function
                }
                // Of the module before it.
                None => name,
            };
            if module == "Db" {
                continue;
            }
            let text = source(&module);
            let declared = ["pub async fn ", "pub fn "].map(|begin| format!("{begin}{function}("));
            let there = declared.iter().any(|declared| text.contains(declared));
            assert!(there, "{module}::{function} of {line}");
            seen += 1;
        }
    }
    assert!(seen > 30, "{seen}");
}
