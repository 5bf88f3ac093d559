use llm_trading_db::{
    repo::fetch_log::{self, NewFetch},
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
        stored.push((id.unwrap(), fetch_type, symbol, outcome, at(time)));
    }
    let newest_first = fetch_log::recent(&db, None, 10).await.unwrap();
    assert_eq!(newest_first.len(), 4);
    for (found, n) in newest_first.iter().zip([1, 3, 2, 0]) {
        let (id, fetch_type, symbol, outcome, at) = stored[n];
        let expected = like!(found, {
            id: id,
            fetch_type: fetch_type,
            symbol: symbol,
            status: match outcome {
                Ok(()) => FetchStatus::Success,
                Err(_) => FetchStatus::Error,
            },
            error_message: outcome.err().map(str::to_owned),
            timestamp: at,
        });
        assert_eq!(*found, expected);
    }
    assert_eq!(
        fetch_log::recent(&db, None, 2).await.unwrap(),
        newest_first[..2]
    );
    assert_eq!(fetch_log::recent(&db, None, 0).await.unwrap(), []);
    assert_eq!(
        fetch_log::recent(&db, spy, 10).await.unwrap(),
        newest_first[2..]
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
    let newest_first = fetch_log::recent(&db, None, 9).await.unwrap();
    assert_eq!(newest_first.len(), 3);
    for (found, n) in newest_first.iter().zip([2, 0, 1]) {
        let (symbol, outcome, time) = attempts[n];
        let expected = like!(found, {
            id: ids[n],
            fetch_type: FetchType::Hourly,
            symbol: symbol,
            status: match outcome {
                Ok(()) => FetchStatus::Success,
                Err(_) => FetchStatus::Error,
            },
            error_message: outcome.err().map(str::to_owned),
            timestamp: at(time),
        });
        assert_eq!(*found, expected);
    }
}
