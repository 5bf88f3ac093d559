use llm_trading_db::{
    documents::{LogData, LogDocument},
    repo::logs::{self, LogEntry, NewLogEntry},
    types::{Level, LogId},
};

use crate::fixtures::{at, count, database, log_data, now};

fn new(level: Level, message: &str) -> NewLogEntry {
    NewLogEntry {
        level,
        message: message.to_owned(),
        data: None,
    }
}

fn ids(entries: &[LogEntry]) -> Vec<LogId> {
    entries.iter().map(|entry| entry.id).collect()
}

#[tokio::test]
async fn entries_come_back_as_they_went() {
    let db = database().await;
    assert_eq!(logs::recent(&db, None, 10).await.unwrap(), []);
    let with_data = NewLogEntry {
        data: Some(log_data("rows", 3)),
        ..new(Level::Warning, "it's slow")
    };
    let with_empty_data = NewLogEntry {
        data: Some(LogDocument::new(LogData::default()).unwrap()),
        ..new(Level::Debug, "")
    };
    for new in [new(Level::Info, "plain"), with_data, with_empty_data] {
        let id = logs::append(&db, &new, now()).await.unwrap();
        let stored = logs::recent(&db, Some(new.level), 10).await.unwrap();
        let expected = like!(stored[0], {
            id: id,
            level: new.level,
            message: new.message,
            data: new.data,
            created_at: now(),
        });
        assert_eq!(stored, [expected]);
    }
}

#[tokio::test]
async fn a_batch_keeps_its_order() {
    let db = database().await;
    assert_eq!(logs::append_many(&db, &[], now()).await.unwrap(), []);
    let levels = [Level::Error, Level::Info, Level::Debug, Level::Info];
    let batch: Vec<NewLogEntry> = (0..40)
        .map(|n| NewLogEntry {
            data: (n % 2 == 0).then(|| log_data("n", n as i64)),
            ..new(levels[n % 4], &n.to_string())
        })
        .collect();
    let appended = logs::append_many(&db, &batch, now()).await.unwrap();
    let mut stored = logs::recent(&db, None, 100).await.unwrap();
    // Newest first, also within one instant.
    stored.reverse();
    assert_eq!(ids(&stored), appended);
    assert!(stored.iter().all(|entry| entry.created_at == now()));
    let back: Vec<NewLogEntry> = stored
        .into_iter()
        .map(
            |LogEntry {
                 level,
                 message,
                 data,
                 ..
             }| NewLogEntry {
                level,
                message,
                data,
            },
        )
        .collect();
    assert_eq!(back, batch);
}

#[tokio::test]
async fn recent_entries_are_of_a_level_and_at_most_so_many() {
    let db = database().await;
    let mut appended = Vec::new();
    for (level, time) in [
        (Level::Error, "2026-01-07T10:00:00Z"),
        (Level::Info, "2026-01-07T12:00:00Z"),
        (Level::Error, "2026-01-07T11:00:00Z"),
    ] {
        let id = logs::append(&db, &new(level, "m"), at(time)).await.unwrap();
        appended.push(id);
    }
    let recent = async |level, limit| ids(&logs::recent(&db, level, limit).await.unwrap());
    assert_eq!(
        recent(None, 10).await,
        [appended[1], appended[2], appended[0]]
    );
    assert_eq!(recent(None, 1).await, [appended[1]]);
    assert_eq!(recent(None, 0).await, []);
    let errors = recent(Some(Level::Error), 10).await;
    assert_eq!(errors, [appended[2], appended[0]]);
    assert_eq!(recent(Some(Level::Critical), 10).await, []);
    assert_eq!(count(&db, "logs").await, 3);
}
