use llm_trading_db::{
    repo::fetch_log::{self, Fetch},
    types::{FetchStatus, FetchType},
};

use crate::fixtures::{at, database, symbol};

#[tokio::test]
async fn attempts_come_newest_first() {
    let db = database().await;
    assert_eq!(fetch_log::recent(&db, None, 10).await.unwrap(), []);

    let (spy, qqq) = (Some(symbol("SPY")), Some(symbol("QQQ")));
    let attempts = [
        (FetchType::Daily, spy, Ok(()), "2026-01-07T14:00:00Z"),
        (
            FetchType::Hourly,
            None,
            Err("timed out"),
            "2026-01-07T16:00:00Z",
        ),
        (FetchType::Hourly, spy, Err(""), "2026-01-07T15:00:00Z"),
        (FetchType::Daily, qqq, Ok(()), "2026-01-07T15:00:00.000001Z"),
    ];
    let mut stored = Vec::new();
    for (fetch_type, symbol, outcome, time) in attempts {
        let id = fetch_log::append(&db, fetch_type, symbol, outcome, at(time)).await;
        stored.push(Fetch {
            id: id.unwrap(),
            fetch_type,
            symbol,
            status: match outcome {
                Ok(()) => FetchStatus::Success,
                Err(_) => FetchStatus::Error,
            },
            error_message: outcome.err().map(str::to_owned),
            timestamp: at(time),
        });
    }
    let newest_first = [1, 3, 2, 0].map(|n: usize| stored[n].clone());
    assert_eq!(
        fetch_log::recent(&db, None, 10).await.unwrap(),
        newest_first
    );
    assert_eq!(
        fetch_log::recent(&db, None, 2).await.unwrap(),
        newest_first[..2]
    );
    assert_eq!(fetch_log::recent(&db, None, 0).await.unwrap(), []);
    assert_eq!(
        fetch_log::recent(&db, spy, 10).await.unwrap(),
        [stored[2].clone(), stored[0].clone()]
    );
    let unknown = Some(symbol("GLD"));
    assert_eq!(fetch_log::recent(&db, unknown, 10).await.unwrap(), []);
}
