//! What a symbol is, to this crate and to the database.

use llm_trading_db::{db::Db, types::Symbol};
use proptest::{prelude::*, test_runner::TestRunner};
use tokio::runtime::Runtime;

use crate::fixtures::{column, database};

/// The text, if the database takes it for a symbol.
async fn taken_by_domain(db: &Db, text: &str) -> bool {
    let literal = text.replace('\'', "''");
    let sql = format!("SELECT '{literal}'::symbol::text");
    column::<String>(db, &sql).await.is_ok()
}

#[test]
fn a_symbol_is_what_the_domain_takes_in_any_script() {
    let runtime = Runtime::new().unwrap();
    let db = runtime.block_on(database());
    let near = "[A-Za-z0-9.ÄΑАＡ１٣\u{301}\u{200b}\n -]{0,12}";
    let any = any::<String>().prop_map(|text| text.replace('\0', ""));
    let mut runner = TestRunner::new(ProptestConfig::with_cases(300));
    let run = runner.run(&prop_oneof![3 => near, 1 => any], |text| {
        let taken = runtime.block_on(taken_by_domain(&db, &text));
        prop_assert_eq!(Symbol::new(&text).is_ok(), taken, "{:?}", text);
        Ok(())
    });
    run.unwrap();
}
