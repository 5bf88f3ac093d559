use llm_trading_db::{
    repo::decisions::{self, StoredDecision},
    types::DecisionId,
};

use crate::fixtures::{
    at, changed_at, count, database, decision, invalid, not_found, now, versions, week,
};

#[tokio::test]
async fn an_empty_table_has_nothing() {
    let db = database().await;
    let id = DecisionId::generate(now());
    assert_eq!(
        not_found(decisions::get(&db, id).await),
        format!("decision {id} not found")
    );
    let of_week = decisions::of_week(&db, week("2026-01-07")).await;
    assert_eq!(of_week.unwrap(), []);
    assert_eq!(decisions::of_research(&db, now()).await.unwrap(), []);
    assert_eq!(decisions::latest(&db).await.unwrap(), None);
}

#[tokio::test]
async fn saving_again_keeps_the_id_and_the_first_time() {
    let db = database().await;
    let week = week("2026-01-07");
    let later = at("2026-01-08T00:00:00Z");
    for research in [None, Some(now())] {
        let first = decision(week, "SPY", "1.5");
        let id = decisions::save(&db, week, research, &first, now())
            .await
            .unwrap();
        let before = versions(&db, "chairman_decisions").await;
        let same = decisions::save(&db, week, research, &first, later).await;
        assert_eq!(same.unwrap(), id);
        assert_eq!(versions(&db, "chairman_decisions").await, before);
        let changed = decision(week, "TLT", "-0.05");
        let again = decisions::save(&db, week, research, &changed, later).await;
        assert_eq!(again.unwrap(), id);
        let stored = decisions::get(&db, id).await.unwrap();
        let expected = like!(stored, {
            id: id,
            week_id: week,
            decision_data: changed,
            research_date: research,
            created_at: now(),
        });
        assert_eq!(stored, expected);
    }
    assert_eq!(changed_at(&db, "chairman_decisions").await, [later; 2]);
}

#[tokio::test]
async fn a_decision_of_another_week_is_not_saved() {
    let db = database().await;
    let document = decision(week("2026-01-14"), "SPY", "1");
    let saved = decisions::save(&db, week("2026-01-07"), None, &document, now()).await;
    assert_eq!(
        invalid(saved),
        "decision_data.week_id: the decision is for week 2026-01-14, not 2026-01-07"
    );
    assert_eq!(count(&db, "chairman_decisions").await, 0);
}

#[tokio::test]
async fn decisions_are_found_by_week_and_by_research() {
    let db = database().await;
    let (monday, tuesday) = (at("2026-01-05T14:00:00Z"), at("2026-01-06T14:00:00Z"));
    let save = async |week_id, research| {
        let week = week(week_id);
        decisions::save(&db, week, research, &decision(week, "FLAT", "0"), now())
            .await
            .unwrap()
    };
    let without = save("2026-01-07", None).await;
    let second = save("2026-01-14", Some(monday)).await;
    let old = save("2026-01-07", Some(monday)).await;
    let new = save("2026-01-07", Some(tuesday)).await;

    let ids = |found: Vec<StoredDecision>| found.iter().map(|d| d.id).collect::<Vec<_>>();
    let of_week = decisions::of_week(&db, week("2026-01-07")).await.unwrap();
    assert_eq!(ids(of_week), [new, old, without]);
    let of_research = decisions::of_research(&db, monday).await.unwrap();
    assert_eq!(ids(of_research), [old, second]);

    let latest = async || decisions::latest(&db).await.unwrap().unwrap().id;
    assert_eq!(latest().await, second);
    save("2026-01-14", None).await;
    assert_eq!(latest().await, second);
    let newest = save("2026-01-14", Some(tuesday)).await;
    assert_eq!(latest().await, newest);
}
