use llm_trading_db::repo::compat;

use crate::{
    cli::{binary, end},
    compat::Desk,
    fixtures::database,
};

#[tokio::test]
async fn a_session_that_finds_the_schema_first_is_told() {
    let usual = compat::find_in_front(&database().await).await;
    assert_eq!(usual.unwrap(), None);
    let desk = Desk::new().await;
    let mut session = desk.session().await;
    let hidden = compat::find_in_front(&mut session).await;
    assert_eq!(hidden.unwrap(), Some("compat"));
    for command in [&["doctor"][..], &["status"], &["leaderboard"], &["migrate"]] {
        end(binary(&desk.compat).args(command)).failed(&[
            "the search_path of this session begins with compat",
            "set it for their role",
        ]);
    }
}
