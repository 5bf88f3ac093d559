//! A journal that goes to another database by a file.

use serde_json::json;

use super::Desk;
use crate::fixtures::execute;

/// More than a chunk of the import, and than a page of the export.
const NOTES: usize = 5_001;

/// Oldest first: an entry, many notes, an exit, its correction, and an event that is equal to the first note but for its id.
fn journal() -> String {
    let line = |id: String, event_type: &str, data: serde_json::Value, second: usize| {
        json!({
            "id": id, "account": "GROQ", "week_id": "2026-01-07", "event_type": event_type, "event_data": data,
            "occurred_at": format!("2026-01-07T{:02}:{:02}:{:02}.000001Z", 10 + second / 3600, second / 60 % 60, second % 60),
        })
        .to_string()
    };
    let id = |n: usize| format!("01890a5d-0000-7000-8000-{n:012}");
    let wrong = id(7_000_001);
    let mut lines = vec![
        line(
            id(7_000_000),
            "ENTRY",
            json!({"price": 101.25, "direction": "LONG", "conviction": 1.5}),
            0,
        ),
        line(wrong.clone(), "EXIT", json!({"price": 93.75}), 1),
    ];
    lines.extend((0..NOTES).map(|n| {
        line(
            id(n),
            "note",
            json!({"n": n, "source_id": format!("k{n}")}),
            n + 2,
        )
    }));
    let right = json!({"event_id": wrong, "reason": "typo", "event": {"event_type": "EXIT", "price": 103.5}});
    lines.push(line(id(7_000_002), "CORRECTION", right, NOTES + 9));
    lines.join("\n")
}

#[tokio::test]
async fn what_is_exported_is_imported_as_it_was_and_once() {
    let (from, to) = (Desk::new().await, Desk::new().await);
    from.import("import-events", journal()).ok();
    // Two that are equal, as an adoption keeps them, at the two ends of the journal.
    execute(
        &from.db,
        "INSERT INTO execution_events (id, week_id, account, event_data, occurred_at)
         SELECT ('01890a5d-0000-7000-9000-' || lpad(n::text, 12, '0'))::uuid, '2026-01-07', 'GROQ', '{\"event_type\":\"twin\"}', '2026-01-07 20:00+00'
         FROM generate_series(1, 2) AS n",
    )
    .await
    .unwrap();
    let exported = from.run(&["events", "--all", "--json"]).ok();
    assert_eq!(exported.lines().count(), NOTES + 5);
    let shown = from.run(&["events", "--json"]).ok();
    assert!(exported.starts_with(&shown), "the newest come first");
    assert_eq!(shown.lines().count(), 50);

    // The twins in different chunks.
    let mut lines: Vec<&str> = exported.lines().collect();
    let twin = lines.iter().position(|line| line.contains("twin")).unwrap();
    let twin = lines.remove(twin);
    lines.push(twin);
    let count = lines.len();
    let said = to.import("import-events", lines.join("\n")).ok();
    assert_eq!(said, format!("{count} events, {count} new\n"));
    assert_eq!(to.run(&["events", "--all", "--json"]).ok(), exported);
    for desk in [&to, &from] {
        let again = desk.import("import-events", &exported).ok();
        assert_eq!(again, format!("{count} events, 0 new\n"));
        assert_eq!(desk.run(&["events", "--all", "--json"]).ok(), exported);
    }
}

#[tokio::test]
async fn a_correction_without_its_event_is_refused() {
    let desk = Desk::new().await;
    let journal = journal();
    let without: Vec<&str> = journal
        .lines()
        .filter(|line| !line.contains("93.75"))
        .collect();
    desk.import("import-events", without.join("\n")).failed(&[
        "nothing was stored: ",
        "a VOID or a CORRECTION is about an event that is neither in the file nor in the journal",
    ]);
    assert_eq!(desk.run(&["events", "--json"]).ok(), "");
}
