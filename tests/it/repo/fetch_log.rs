use llm_trading_db::{
    repo::fetch_log::{self, Fetch, NewFetch},
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

#[tokio::test]
async fn many_attempts_are_noted_at_once() {
    let db = database().await;
    assert_eq!(fetch_log::append_many(&db, &[]).await.unwrap(), []);
    let attempts = [
        (Some(symbol("SPY")), Ok(()), "2026-01-07T14:00:00Z"),
        (None, Err("no answer"), "2026-01-07T13:00:00Z"),
        (
            Some(symbol("QQQ")),
            Err("timed out"),
            "2026-01-07T15:00:00Z",
        ),
    ];
    let new = attempts.map(|(symbol, outcome, time)| NewFetch {
        fetch_type: FetchType::Hourly,
        symbol,
        outcome: outcome.map_err(str::to_owned),
        at: at(time),
    });
    let ids = fetch_log::append_many(&db, &new).await.unwrap();
    let stored = |n: usize| Fetch {
        id: ids[n],
        fetch_type: FetchType::Hourly,
        symbol: attempts[n].0,
        status: match attempts[n].1 {
            Ok(()) => FetchStatus::Success,
            Err(_) => FetchStatus::Error,
        },
        error_message: attempts[n].1.err().map(str::to_owned),
        timestamp: at(attempts[n].2),
    };
    let newest_first = [2, 0, 1].map(stored);
    assert_eq!(fetch_log::recent(&db, None, 9).await.unwrap(), newest_first);
}
