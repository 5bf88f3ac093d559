use std::collections::BTreeMap;

use llm_trading_db::{
    db::Db,
    documents::EventDocument,
    error::Result,
    repo::events::{self, Filter, NewEvent},
    types::{EventId, EventType},
};

use crate::fixtures::{
    account, append_events, at, column, count, database, entry, exit, invalid, not_found,
    other_event, week,
};

fn new(key: &str, account: &str, time: &str, event_data: EventDocument) -> NewEvent {
    NewEvent {
        id: EventId::from_key(key),
        week_id: week("2026-01-07"),
        account: self::account(account),
        event_data,
        occurred_at: at(&format!("2026-01-{time}Z")),
    }
}

async fn append(db: &Db, event: &NewEvent) -> Result<bool> {
    db.transaction(async |tx| events::append(tx, event).await)
        .await
}

fn event_type(text: &str) -> EventType {
    text.parse().unwrap()
}

fn ids(events: &[events::StoredEvent]) -> Vec<EventId> {
    events.iter().map(|event| event.id).collect()
}

#[tokio::test]
async fn an_empty_table_has_nothing() {
    let db = database().await;
    assert_eq!(append_events(&db, &[]).await.unwrap(), 0);
    let id = EventId::from_key("none");
    assert_eq!(
        not_found(events::get(&db, id).await),
        format!("event {id} not found")
    );
    let history = events::history(&db, &Filter::default(), None, 10).await;
    assert_eq!(history.unwrap(), []);
    let latest = events::latest_of_account(&db, account("CHATGPT")).await;
    assert_eq!(latest.unwrap(), None);
    let counts = events::counts_by_type(&db, None, None).await;
    assert_eq!(counts.unwrap(), BTreeMap::new());
    assert_eq!(events::trades(&db).await.unwrap(), []);
    assert_eq!(events::accounts(&db).await.unwrap(), []);
}

#[tokio::test]
async fn an_event_appended_again_adds_nothing() {
    let db = database().await;
    // Finer than the server keeps time, and with digits that a float would lose.
    let event = new(
        "1",
        "CHATGPT",
        "07T14:00:00.123456789",
        entry("123456789.123456789012345", "1.50"),
    );
    assert!(append(&db, &event).await.unwrap());
    assert!(!append(&db, &event).await.unwrap());
    let stored = events::get(&db, event.id).await.unwrap();
    let expected = like!(stored, {
        id: event.id,
        week_id: event.week_id,
        event_type: event_type("ENTRY"),
        account: event.account,
        event_data: event.event_data,
        occurred_at: at("2026-01-07T14:00:00.123456Z"),
    });
    assert_eq!(stored, expected);
    assert_eq!(count(&db, "execution_events").await, 1);
}

#[tokio::test]
async fn a_key_taken_by_another_event_is_an_error() {
    let db = database().await;
    let event = new("1", "CHATGPT", "07T14:00:00", entry("100", "1"));
    append(&db, &event).await.unwrap();
    for other in [
        new("1", "GEMINI", "07T14:00:00", entry("100", "1")),
        new("1", "CHATGPT", "07T14:00:01", entry("100", "1")),
        new("1", "CHATGPT", "07T14:00:00", entry("100.01", "1")),
        new("1", "CHATGPT", "07T14:00:00", exit("100")),
        NewEvent {
            week_id: week("2026-01-14"),
            ..event.clone()
        },
    ] {
        let error = invalid(append(&db, &other).await);
        assert!(error.contains("is stored with other content"), "{error}");
    }
    let stored = events::get(&db, event.id).await.unwrap();
    assert_eq!(stored.event_data, event.event_data);
}

#[tokio::test]
async fn a_batch_adds_what_is_new_and_refuses_ids_given_twice() {
    let db = database().await;
    let one = new("1", "CHATGPT", "07T14:00:00", entry("100", "1"));
    let two = new("2", "CHATGPT", "07T15:00:00", exit("101"));
    let batch = [two.clone(), one.clone()];
    assert_eq!(append_events(&db, &batch).await.unwrap(), 2);
    let three = new("3", "CHATGPT", "07T16:00:00", exit("102"));
    let batch = [one, three.clone(), two];
    assert_eq!(append_events(&db, &batch).await.unwrap(), 1);

    let four = new("4", "CHATGPT", "07T16:00:00", exit("102"));
    let twice = [four.clone(), three, four.clone()];
    let error = invalid(append_events(&db, &twice).await);
    assert!(error.contains(&format!("for {};", four.id)), "{error}");
    assert_eq!(count(&db, "execution_events").await, 3);
}

/// What one by one says of events, a batch says of them at once.
#[tokio::test]
async fn one_by_one_and_at_once_events_are_treated_alike() {
    let stored = [
        new("1", "CHATGPT", "07T14:00:00.000001", entry("100", "1")),
        new("2", "GEMINI", "07T15:00:00", exit("101")),
    ];
    let same = NewEvent {
        event_data: entry("100.00", "1.0"),
        ..stored[0].clone()
    };
    let other = NewEvent {
        occurred_at: at("2026-01-07T14:00:00.000002Z"),
        ..stored[0].clone()
    };
    let others = NewEvent {
        week_id: week("2026-01-14"),
        ..stored[1].clone()
    };
    let fresh = new("3", "GROQ", "08T14:00:00", exit("102"));
    let cases = [
        (vec![fresh.clone(), same.clone()], Ok(1)),
        (vec![same.clone()], Ok(0)),
        (vec![fresh.clone(), other.clone()], Err("event ")),
        (vec![fresh, others, other], Err("events ")),
    ];
    for (events, expected) in cases {
        let (many, single) = (database().await, database().await);
        for db in [&many, &single] {
            assert_eq!(append_events(db, &stored).await.unwrap(), 2);
        }
        let at_once = append_events(&many, &events).await;
        let one_by_one = single
            .transaction(async |tx| {
                let mut new = 0;
                for event in &events {
                    new += u64::from(events::append(tx, event).await?);
                }
                Ok::<_, llm_trading_db::error::Error>(new)
            })
            .await;
        match expected {
            Ok(new) => assert_eq!((at_once.unwrap(), one_by_one.unwrap()), (new, new)),
            Err(named) => {
                let (at_once, one_by_one) = (invalid(at_once), invalid(one_by_one));
                assert!(at_once.contains("stored with other content"), "{at_once}");
                assert!(at_once.contains(named), "{at_once}");
                assert!(
                    one_by_one.contains("stored with other content"),
                    "{one_by_one}"
                );
                assert!(at_once.contains(&stored[0].id.to_string()), "{at_once}");
            }
        }
        // A refused batch leaves nothing of itself.
        let rows = 2 + expected.unwrap_or(0) as i64;
        assert_eq!(count(&many, "execution_events").await, rows);
        assert_eq!(count(&single, "execution_events").await, rows);
    }
}

/// Six events; two of one instant.
async fn journal(db: &Db) -> Vec<NewEvent> {
    let next_week = NewEvent {
        week_id: week("2026-01-14"),
        ..new("e", "CHATGPT", "14T15:00:00", entry("50", "-1"))
    };
    let events = vec![
        new("a", "CHATGPT", "07T15:00:00", entry("100", "1")),
        new("b", "GEMINI", "07T15:00:00", entry("200", "-1")),
        new("c", "CHATGPT", "08T15:00:00", exit("101")),
        new("d", "GEMINI", "07T14:00:00", other_event("order_filled")),
        next_week,
        new("f", "DEEPSEEK", "07T13:00:00", other_event("skipped")),
    ];
    assert_eq!(append_events(db, &events).await.unwrap(), 6);
    events
}

#[tokio::test]
async fn history_filters_and_pages() {
    let db = database().await;
    let journal = journal(&db).await;
    let mut newest_first: Vec<&NewEvent> = journal.iter().collect();
    newest_first.sort_by_key(|event| std::cmp::Reverse((event.occurred_at, event.id)));

    let accounts = [None, Some(account("CHATGPT")), Some(account("CLAUDE"))];
    let weeks = [None, Some(week("2026-01-07")), Some(week("2026-01-14"))];
    let types = [None, Some(event_type("ENTRY"))];
    let filters = accounts.iter().flat_map(|account| {
        let of_week = weeks.iter().map(move |week| (account, week));
        of_week.flat_map(|(account, week)| types.iter().map(move |of| (account, week, of)))
    });
    for (account, week, event_type) in filters {
        let filter = Filter {
            account: *account,
            week: *week,
            event_type: *event_type,
        };
        let expected: Vec<EventId> = newest_first
            .iter()
            .filter(|event| filter.account.is_none_or(|wanted| event.account == wanted))
            .filter(|event| filter.week.is_none_or(|wanted| event.week_id == wanted))
            .filter(|event| {
                let wanted = filter.event_type;
                wanted.is_none_or(|wanted| event.event_data.event_type() == wanted)
            })
            .map(|event| event.id)
            .collect();
        let all = events::history(&db, &filter, None, 10).await.unwrap();
        assert_eq!(ids(&all), expected, "{filter:?}");

        for size in [1, 2, 4] {
            let (mut paged, mut cursor) = (Vec::new(), None);
            loop {
                let page = events::history(&db, &filter, cursor, size).await.unwrap();
                let Some(last) = page.last() else { break };
                assert!(page.len() <= size as usize);
                cursor = Some(last.cursor());
                paged.extend(ids(&page));
            }
            assert_eq!(paged, expected, "{filter:?} by {size}");
        }
    }
}

#[tokio::test]
async fn events_are_counted_and_trades_are_in_order() {
    let db = database().await;
    let journal = journal(&db).await;
    let latest = events::latest_of_account(&db, account("CHATGPT"))
        .await
        .unwrap();
    assert_eq!(latest.unwrap().id, journal[4].id);

    let counts = async |week_id: Option<&str>, name: Option<&str>| {
        let counts = events::counts_by_type(&db, week_id.map(week), name.map(account))
            .await
            .unwrap();
        let words: Vec<String> = counts
            .iter()
            .map(|(event_type, count)| format!("{event_type}={count}"))
            .collect();
        words.join(" ")
    };
    assert_eq!(
        counts(None, None).await,
        "ENTRY=3 EXIT=1 order_filled=1 skipped=1"
    );
    assert_eq!(
        counts(Some("2026-01-07"), None).await,
        "ENTRY=2 EXIT=1 order_filled=1 skipped=1"
    );
    assert_eq!(counts(None, Some("GEMINI")).await, "ENTRY=1 order_filled=1");
    assert_eq!(counts(Some("2026-01-14"), Some("CHATGPT")).await, "ENTRY=1");
    assert_eq!(counts(Some("2026-01-14"), Some("GEMINI")).await, "");

    let trades = events::trades(&db).await.unwrap();
    let found: Vec<EventId> = trades.iter().map(|trade| trade.id).collect();
    assert_eq!(found, [0, 2, 4, 1].map(|n: usize| journal[n].id));
    assert_eq!(
        events::accounts(&db).await.unwrap(),
        ["CHATGPT", "DEEPSEEK", "GEMINI"].map(account)
    );
}

#[tokio::test]
async fn an_exit_follows_its_entry_of_the_same_instant() {
    let db = database().await;
    // Ids are of the keys: among these some order the other way round.
    for n in 0..8 {
        let events = [
            new(
                &format!("in {n}"),
                &format!("A{n}"),
                "07T15:00:00",
                entry("100", "1"),
            ),
            new(
                &format!("out {n}"),
                &format!("A{n}"),
                "07T15:00:00",
                exit("110"),
            ),
        ];
        append_events(&db, &events).await.unwrap();
    }
    let trades = events::trades(&db).await.unwrap();
    assert!(trades.chunks(2).any(|pair| pair[0].id > pair[1].id));
    for pair in trades.chunks(2) {
        let [first, second] = [0, 1].map(|n: usize| pair[n].event.as_ref().unwrap().event_type());
        assert_eq!((first, second), (event_type("ENTRY"), event_type("EXIT")));
    }
}

#[tokio::test]
async fn the_trades_of_some_accounts_and_weeks_are_those_of_all() {
    let db = database().await;
    let asked = [("CHATGPT", "2026-01-07"), ("GEMINI", "2026-01-14")]
        .map(|(of, start)| (account(of), week(start)));
    for (n, (of, start)) in [
        ("GEMINI", "2026-01-14"),
        ("CHATGPT", "2026-01-14"),
        ("GEMINI", "2026-01-07"),
        ("CHATGPT", "2026-01-07"),
        ("CHATGPT", "2026-01-07"),
    ]
    .into_iter()
    .enumerate()
    {
        let event = NewEvent {
            week_id: week(start),
            ..new(
                &n.to_string(),
                of,
                &format!("1{n}T15:00:00"),
                entry(&format!("10{n}"), "1"),
            )
        };
        append(&db, &event).await.unwrap();
    }
    let mut wanted = events::trades(&db).await.unwrap();
    wanted.retain(|trade| asked.contains(&(trade.account, trade.week_id)));
    assert_eq!(wanted.len(), 3);
    // A pair given twice is one.
    let given = [asked[1], asked[0], asked[1]];
    assert_eq!(events::trades_of(&db, &given).await.unwrap(), wanted);
    assert_eq!(events::trades_of(&db, &[]).await.unwrap(), []);

    let mut wanted = events::trades(&db).await.unwrap();
    wanted.retain(|trade| trade.account == asked[0].0);
    let of_account = events::trades_of_account(&db, asked[0].0).await.unwrap();
    assert_eq!(of_account, wanted);
}

#[tokio::test]
async fn an_event_is_known_by_its_content_under_another_id() {
    let db = database().await;
    assert_eq!(events::known(&db, &[]).await.unwrap(), [].into());
    let stored = new(
        "stored",
        "GROQ",
        "08T15:00:00.000001",
        entry("601.25", "1.50"),
    );
    append(&db, &stored).await.unwrap();
    let same = |key: &str| NewEvent {
        id: EventId::from_key(key),
        event_data: entry("601.250", "1.5"),
        ..stored.clone()
    };
    let others = [
        NewEvent {
            account: account("GROK"),
            ..same("account")
        },
        NewEvent {
            week_id: week("2026-01-14"),
            ..same("week")
        },
        NewEvent {
            event_data: entry("601.26", "1.5"),
            ..same("document")
        },
        NewEvent {
            occurred_at: at("2026-01-08T15:00:00.000002Z"),
            ..same("instant")
        },
        // That is the event itself, which is told apart by whoever appends it.
        stored.clone(),
        same("known"),
    ];
    let known = events::known(&db, &others).await.unwrap();
    assert_eq!(known, [EventId::from_key("known")].into());

    // It only reads: a standby hands out no transaction ids.
    let work = db.transaction(async |tx| -> Result<Vec<bool>> {
        events::known(&mut *tx, &others).await?;
        column(tx, "SELECT pg_current_xact_id_if_assigned() IS NULL").await
    });
    assert_eq!(work.await.unwrap(), [true]);
}
