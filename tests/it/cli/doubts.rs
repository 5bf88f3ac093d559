//! Numbers that are probably slips, wherever one enters.

use super::Desk;

fn event(week: &str, event_type: &str, price: &str, at: &str) -> String {
    let body = match event_type {
        "ENTRY" => format!(r#"{{"price":{price},"direction":"LONG","conviction":1}}"#),
        _ => format!(r#"{{"price":{price}}}"#),
    };
    format!(
        r#"{{"account":"GROQ","week_id":"{week}","event_type":"{event_type}","event_data":{body},"occurred_at":"{at}"}}"#
    )
}

#[tokio::test]
async fn a_correction_is_asked_for_what_an_import_is() {
    let desk = Desk::new().await;
    let lines = [
        event("2026-01-07", "EXIT", "104.5", "2026-01-09T15:00:00Z"),
        event("2026-01-07", "ENTRY", "101.25", "2026-01-07T15:00:00Z"),
    ];
    desk.import("import-events", lines.join("\n")).ok();
    let id = |of: &str| {
        let events = desk.run(&["events", "--type", of]).ok();
        let row = events
            .lines()
            .find(|line| line.contains(&format!(" {of} ")));
        row.unwrap().split_whitespace().next().unwrap().to_owned()
    };
    let (entry, exit) = (id("ENTRY"), id("EXIT"));
    let correct = |id: &str, more: &[&str]| {
        desk.run(&[&["correct-event", id, "--reason", "typo"], more].concat())
    };
    correct(&exit, &["--price", "104500"]).failed(&[
        "price: 104500 is a thousand times that of the same trade in event ",
        &format!("{entry}, 101.25, or a thousandth; --force takes it all the same"),
    ]);
    let small = r#"{"price":0.1,"direction":"LONG","conviction":1}"#;
    correct(&entry, &["--event-data", small]).failed(&[
        "price: 0.1 is a thousand times that of the same trade in event ",
        &format!("{exit}, 104.5, or a thousandth"),
    ]);
    // Nothing of them is stored.
    assert_eq!(desk.run(&["events", "--json"]).ok().lines().count(), 2);
    correct(&exit, &["--price", "104500", "--force"]).ok();
    desk.run(&["performance"]).ok();
}

#[tokio::test]
async fn what_is_no_number_is_named_with_what_to_write() {
    let desk = Desk::new().await;
    let line = event("2026-01-07", "ENTRY", "101.25", "2026-01-07T15:00:00Z");
    desk.import("import-events", &line).ok();
    let events = desk.run(&["events", "--json"]).ok();
    let id = events.split("\"id\":").nth(1).unwrap()[1..37].to_owned();
    for price in ["NaN", "inf", "1e40", "12,5"] {
        let ended = desk.run(&["correct-event", &id, "--reason", "typo", "--price", price]);
        assert_eq!(ended.code, Some(2), "{ended:?}");
        let said = format!(
            "error: invalid value '{price}' for '--price <PRICE>': must be a number of US dollars, such as 101.25\n"
        );
        assert!(ended.err.starts_with(&said), "{ended:?}");
    }
    let data = r#"{"direction":"LONG","price": NaN,"conviction":1}"#;
    desk.run(&["correct-event", &id, "--reason", "typo", "--event-data", data])
        .failed(&[
            "--event-data must be a JSON object: price is NaN, which JSON does not have: write a number such as 12.5, or null",
        ]);
    desk.import("import-events", line.replace("101.25", "-Infinity"))
        .failed(&["line 1", "price is Infinity, which JSON does not have"]);
    desk.import("import-events", line.replace("101.25", "\"NaN\""))
        .failed(&[
            "line 1, event_document.price: expected a number of at most 28 digits, such as 12.5",
        ]);
}

#[tokio::test]
async fn a_close_far_from_its_neighbours_is_refused() {
    let desk = Desk::new().await;
    desk.import_bars("SPY,2026-01-07,,,,689.5,1\nQQQ,2026-01-07,,,,0,1\nSPY,2025-10-01,,,,0.25,1")
        .ok();
    let far = "close: 690250 of SPY on 2026-01-08 is a thousand times the 689.5000 of 2026-01-07, or a thousandth; --force takes it all the same";
    desk.import_bars("SPY,2026-01-08,,,,690250,1")
        .failed(&["nothing was stored", far]);
    // Of the bar behind, and of one in the same file.
    desk.import_bars("SPY,2026-01-06,,,,0.6875,1").failed(&[
        "close: 0.6875 of SPY on 2026-01-06 is a thousand times the 689.5000 of 2026-01-07",
    ]);
    desk.import_bars("GLD,2026-01-08,,,,300000,1\nGLD,2026-01-07,,,,299.5,1")
        .failed(&["close: 300000", "the 299.5"]);
    // A correction of what is stored is none of these.
    desk.import_bars("SPY,2026-01-08,,,,690250,1\nQQQ,2026-01-08,,,,612,1")
        .failed(&[far]);
    let file = format!("{}\nSPY,2026-01-08,,,,690250,1", super::HEADER);
    desk.import_with("import-bars", file, &["--force"]).ok();
    desk.import_bars("SPY,2026-01-08,,,,690.25,1\nQQQ,2026-01-08,,,,612,1")
        .ok();
}
