//! `import-bars` and `import-events`: what is stored, and what is refused whole.

use std::io::Write;

use llm_trading_db::repo::{
    bars,
    events::{self, Filter},
};

use super::{Desk, Ended, HEADER, binary, writer};
use crate::fixtures::{day, price, symbol};

const AAPL: &str = "AAPL,2026-01-07,10,12.5,9.75,11,1000\n";

async fn nothing_stored(desk: &Desk) {
    assert_eq!(bars::symbols(&desk.db).await.unwrap(), []);
    assert_eq!(events::accounts(&desk.db).await.unwrap(), []);
}

#[tokio::test]
async fn bars_are_inserted_updated_or_left_alone() {
    let desk = Desk::new().await;
    let said = desk
        .import_bars(&format!("{AAPL}IBM,2026-01-07,,,,,\n"))
        .ok();
    assert_eq!(said, "2 bars: 2 inserted, 0 updated, 0 unchanged\n");
    let said = desk
        .import_bars(&format!(
            "{AAPL}IBM,2026-01-07,,,,50,0\nIBM,2026-01-08,,,,51,0"
        ))
        .ok();
    assert_eq!(said, "3 bars: 1 inserted, 1 updated, 1 unchanged\n");

    let symbols = bars::symbols(&desk.db).await.unwrap();
    let latest = bars::latest(&desk.db, &symbols).await.unwrap();
    let row = |at: usize| {
        let bar = &latest[at];
        let low = bar.low.map(|price| price.to_string());
        (
            bar.symbol.to_string(),
            bar.date.to_string(),
            low,
            bar.volume,
        )
    };
    let (aapl, ibm) = ("AAPL".to_owned(), "IBM".to_owned());
    assert_eq!(
        row(0),
        (
            aapl,
            "2026-01-07".to_owned(),
            Some("9.7500".to_owned()),
            Some(1000)
        )
    );
    assert_eq!(row(1), (ibm, "2026-01-08".to_owned(), None, Some(0)));
}

#[tokio::test]
async fn bars_of_any_number_come_in_one_transaction() {
    let desk = Desk::new().await;
    let day = chrono::NaiveDate::from_ymd_opt(1960, 1, 1).unwrap();
    let rows = |count| -> String {
        let row = |date| format!("AAPL,{date},1,2,1,2,3\n");
        day.iter_days().take(count).map(row).collect()
    };
    // The first two chunks are sent before the fault is found.
    let fault = desk.import_bars(&format!("{}AAPL,2026-01-07,1,1,1,1,many\n", rows(20_500)));
    fault.failed(&["input, line 20502, column volume: must be a whole number"]);
    nothing_stored(&desk).await;
    let said = desk.import_bars(&rows(20_500)).ok();
    assert_eq!(said, "20500 bars: 20500 inserted, 0 updated, 0 unchanged\n");
}

#[tokio::test]
async fn a_header_alone_is_no_bars() {
    let desk = Desk::new().await;
    let said = desk
        .import("import-bars", format!("\u{feff}{HEADER}\r\n"))
        .ok();
    assert_eq!(said, "0 bars: 0 inserted, 0 updated, 0 unchanged\n");
    let quoted = r#""symbol","date","open","high","low","close","volume""#;
    let said = desk
        .import(
            "import-bars",
            format!("{quoted}\r\n\"AAPL\",2026-01-07,1,1,1,1,1\r\n\r\n"),
        )
        .ok();
    assert_eq!(said, "1 bar: 1 inserted, 0 updated, 0 unchanged\n");
}

#[tokio::test]
async fn bad_bars_are_refused_whole() {
    let desk = Desk::new().await;
    let long = format!("AAPL,2026-01-08,{}", "1".repeat(10_000_000));
    let cases = [
        (
            "AAPL,2026-01-08,1,1,1,1\n",
            "line 3 has 6 fields instead of 7: symbol,date",
        ),
        (
            "AAPL,2026-01-08,1,1,1,1,1,\n",
            "line 3 has 8 fields instead of 7",
        ),
        (
            "AAPL,2026-01-08,1,1,1,1.O,1\n",
            "line 3, column close: must be a number of at most 28 digits",
        ),
        (
            "AAPL,2026-01-08,1,1,1,NaN,1\n",
            "line 3, column close: must be a number of at most 28 digits",
        ),
        (
            "AAPL,2026-01-08,1,1,1,1.00001,1\n",
            "line 3, column close: must be zero or more, with at most four decimals",
        ),
        (
            "\nAAPL,2026-01-08,-1,1,1,1,1\n",
            "line 4, column open: must be zero or more",
        ),
        (
            "AAPL,2026-01-08,1,1,2,1,1\n",
            "line 3, column high: is below low",
        ),
        (
            "AAPL,2026-01-08,1,1,1,1,1e3\n",
            "line 3, column volume: must be a whole number",
        ),
        (
            "AAPL,08.01.2026,1,1,1,1,1\n",
            "line 3, column date: must be a date, such as 2026-01-07",
        ),
        (
            "AAPL,2026-01-08,50,2,1,2,1\n",
            "line 3, column open: is above high",
        ),
        (
            "AAPL,2026-01-08,1.5,2,1,0.5,1\n",
            "line 3, column close: is below low",
        ),
        (
            "apple,2026-01-08,1,1,1,1,1\n",
            "line 3, column symbol: must be one to ten of A-Z",
        ),
        (
            "IBM,2026-01-07,,,,,\nAAPL,2026-01-07,1,1,1,1,1\n",
            "line 4, column date: AAPL of 2026-01-07 is in line 2 already, with other values; keep one",
        ),
        (&long, "line 3 is longer than 64 KiB"),
    ];
    for (rows, why) in cases {
        desk.import_bars(&format!("{AAPL}{rows}"))
            .failed(&["error: /tmp/", why]);
    }
    nothing_stored(&desk).await;
}

#[tokio::test]
async fn an_empty_field_erases_on_request_only() {
    let desk = Desk::new().await;
    desk.import_bars(AAPL).ok();
    let poorer = "AAPL,2026-01-07,,12.25,,11,\nAAPL,2026-01-08,,,,13,\n";
    let file = desk.folder.file("poorer", format!("{HEADER}\n{poorer}"));
    let (file, list) = (file.to_str().unwrap(), desk.folder.path("changes.csv"));
    let list = list.to_str().unwrap();
    let said = desk.run(&["import-bars", file, "--changes", list]).ok();
    assert_eq!(said, "2 bars: 1 inserted, 1 updated, 0 unchanged\n");
    let listed = std::fs::read_to_string(list).unwrap();
    assert_eq!(
        listed.lines().collect::<Vec<_>>(),
        [
            "change,symbol,date,open,high,low,close,volume,before_open,before_high,before_low,before_close,before_volume",
            "updated,AAPL,2026-01-07,10.0000,12.25,9.7500,11,1000,10.0000,12.5000,9.7500,11.0000,1000",
            "inserted,AAPL,2026-01-08,,,,13,,,,,,",
        ]
    );
    desk.run(&["import-bars", file, "--changes", list])
        .failed(&["cannot write the changes to", "File exists"]);

    // What is kept and what is new must fit each other, and a refused import leaves no list.
    let other = desk.folder.path("other.csv");
    let other = other.to_str().unwrap();
    let bad = desk
        .folder
        .file("bad", format!("{HEADER}\nAAPL,2026-01-07,,9.875,,,\n"));
    desk.run(&["import-bars", bad.to_str().unwrap(), "--changes", other])
        .failed(&[
            "nothing was stored: open: AAPL of 2026-01-07 is above high, with what is stored",
        ]);
    assert!(!std::path::Path::new(other).exists());

    let said = desk.run(&["import-bars", "--erase", file]).ok();
    assert_eq!(said, "2 bars: 0 inserted, 1 updated, 1 unchanged\n");
    let said = desk.run(&["import-bars", "--erase", file]).ok();
    assert_eq!(said, "2 bars: 0 inserted, 0 updated, 2 unchanged\n");
    let stored = bars::last_n(&desk.db, &[symbol("AAPL")], 2, day("2026-01-07"))
        .await
        .unwrap();
    assert_eq!((stored[0].open, stored[0].volume), (None, None));
    assert_eq!(stored[0].high, Some(price("12.25")));
}

#[tokio::test]
async fn a_line_that_repeats_another_one_is_told() {
    let desk = Desk::new().await;
    let said = desk
        .import_bars(&format!("{AAPL}IBM,2026-01-07,,,,7,\n{AAPL}"))
        .ok();
    assert_eq!(
        said,
        "2 bars: 2 inserted, 0 updated, 0 unchanged\n1 line repeats another one\n"
    );
}

#[tokio::test]
async fn bars_are_removed_by_symbol_and_day() {
    let desk = Desk::new().await;
    let rows: Vec<String> = (5..10)
        .flat_map(|n| ["AAPL", "IBM"].map(|name| format!("{name},2026-01-0{n},,,,{n},\n")))
        .collect();
    desk.import_bars(&rows.concat()).ok();
    let remove = |arguments: &[&str]| desk.run(&[&["remove-bars"], arguments].concat());
    for unclear in [&["AAPL"][..], &["AAPL", "--all", "--from", "2026-01-06"]] {
        assert_eq!(remove(unclear).code, Some(2));
    }
    let list = desk.folder.path("removed.csv");
    let said = remove(&[
        "AAPL",
        "--on",
        "2026-01-09",
        "--changes",
        list.to_str().unwrap(),
    ])
    .ok();
    assert_eq!(said, "1 bar of AAPL removed\n");
    let listed = std::fs::read_to_string(list).unwrap();
    assert_eq!(
        listed.lines().nth(1),
        Some("removed,AAPL,2026-01-09,,,,,,,,,9.0000,")
    );
    let said = remove(&["AAPL", "--from", "2026-01-06", "--to", "2026-01-07"]).ok();
    assert_eq!(said, "2 bars of AAPL removed\n");
    let said = remove(&["AAPL", "--from", "2027-01-01"]).ok();
    assert_eq!(said, "0 bars of AAPL removed\n");
    let both = [symbol("AAPL"), symbol("IBM")];
    let left = bars::last_n(&desk.db, &both, 9, day("2026-12-31"))
        .await
        .unwrap();
    let left: Vec<String> = left
        .iter()
        .map(|bar| format!("{} {}", bar.symbol, bar.date))
        .collect();
    let aapl = ["AAPL 2026-01-05", "AAPL 2026-01-08"].map(str::to_owned);
    let ibm = (5..10).map(|n| format!("IBM 2026-01-0{n}"));
    assert_eq!(left, aapl.into_iter().chain(ibm).collect::<Vec<_>>());
    assert_eq!(remove(&["IBM", "--all"]).ok(), "5 bars of IBM removed\n");
}

#[tokio::test]
async fn a_bar_of_the_future_is_taken_on_request_only() {
    let desk = Desk::new().await;
    let row = "AAPL,9042-04-09,10,12,9,11,1000\n";
    desk.import_bars(row).failed(&[
        "line 2, column date: 9042-04-09 lies in the future; --allow-future takes it all the same",
    ]);
    nothing_stored(&desk).await;
    let file = desk.folder.file("input", format!("{HEADER}\n{row}"));
    let said = desk
        .run(&["import-bars", "--allow-future", file.to_str().unwrap()])
        .ok();
    assert_eq!(said, "1 bar: 1 inserted, 0 updated, 0 unchanged\n");
}

#[tokio::test]
async fn what_is_no_file_of_bars_is_refused() {
    let desk = Desk::new().await;
    let header = "the first line must be symbol,date,open,high,low,close,volume";
    let bars = |content: &[u8]| desk.import("import-bars", content);
    bars(b"date,symbol,open,high,low,close,volume\n")
        .failed(&["input, line 1 is not the header", header]);
    bars(AAPL.as_bytes()).failed(&["input, line 1 is not the header", header]);
    bars(b"").failed(&["input is empty: its first line must be symbol,date"]);
    bars(&[HEADER.as_bytes(), b"\nA\xe4,2026-01-07,1,1,1,1,1\n"].concat())
        .failed(&["line 2 byte 2 is not UTF-8: save the file as UTF-8"]);

    for command in ["import-bars", "import-events"] {
        let missing = desk.folder.path("missing");
        desk.run(&[command, missing.to_str().unwrap()])
            .failed(&["cannot open /tmp/", "missing: No such file"]);
        let folder = desk.folder.0.to_str().unwrap();
        desk.run(&[command, folder])
            .failed(&["is a folder: name a file in it"]);
    }
    nothing_stored(&desk).await;
}

const ENTRY: &str = r#"{"account":"GROQ","week_id":"2026-01-07","event_type":"ENTRY","event_data":{"price":1.50,"direction":"LONG","conviction":1.5},"occurred_at":"2026-01-07T09:30:00-05:00"}"#;

#[tokio::test]
async fn events_are_appended_once() {
    let desk = Desk::new().await;
    let exit = r#"{"account":"GROQ","week_id":"2026-01-07","event_type":"EXIT","event_data":{"price":1.75},"occurred_at":"2026-01-13T20:00:00Z"}"#;
    let said = desk
        .import("import-events", format!("{ENTRY}\n\n{exit}\n{ENTRY}\n"))
        .ok();
    assert_eq!(
        said,
        "3 events, 2 new\n1 line repeats another one; two equal events need a source_id each to be two\n"
    );
    // The same event in other words.
    let again = ENTRY.replace("09:30:00-05:00", "14:30:00Z").replace(
        r#""price":1.50,"direction":"LONG""#,
        r#""direction":"LONG", "price":1.5"#,
    );
    let later = ENTRY.replace("09:30", "09:31");
    let said = desk
        .import("import-events", format!("{again}\n{later}\n{exit}"))
        .ok();
    assert_eq!(said, "3 events, 1 new\n");

    let stored = events::history(&desk.db, &Filter::default(), None, 10)
        .await
        .unwrap();
    let times: Vec<_> = stored
        .iter()
        .map(|event| (event.event_type.to_string(), event.occurred_at.to_rfc3339()))
        .collect();
    let expected = [
        ("EXIT", "2026-01-13T20:00:00+00:00"),
        ("ENTRY", "2026-01-07T14:31:00+00:00"),
        ("ENTRY", "2026-01-07T14:30:00+00:00"),
    ];
    assert_eq!(
        times,
        expected.map(|(what, at)| (what.to_owned(), at.to_owned()))
    );
}

#[tokio::test]
async fn two_equal_fills_of_one_second_are_two_by_a_key_of_the_source() {
    let desk = Desk::new().await;
    let fill = |key: &str| {
        ENTRY.replace(
            "{\"account\"",
            &format!("{{\"source_id\":\"{key}\",\"account\""),
        )
    };
    let fills = format!("{}\n{}\n", fill("f-1"), fill("f-2"));
    for said in ["2 events, 2 new\n", "2 events, 0 new\n"] {
        assert_eq!(desk.import("import-events", &fills).ok(), said);
    }
    // The same key in the file and in the database, with another content each.
    let other = fill("f-1").replace("1.50", "1.51");
    desk.import("import-events", format!("{}\n{other}\n", fill("f-1")))
        .failed(&["line 2, id or source_id: is that of line 1, which has other content"]);
    desk.import("import-events", other)
        .failed(&["nothing was stored", "is stored with other content"]);
    // Of another account it is another event.
    let said = desk
        .import("import-events", fill("f-1").replace("GROQ", "GROK"))
        .ok();
    assert_eq!(said, "1 event, 1 new\n");
    for (wrong, why) in [
        (fill(" "), "source_id: must be one to 200 bytes"),
        (
            fill("f-3").replace("\"price\"", "\"source_id\":\"f-4\",\"price\""),
            "source_id: is another one inside of event_data",
        ),
    ] {
        desk.import("import-events", wrong).failed(&[why]);
    }
    let stored = events::history(&desk.db, &Filter::default(), None, 10)
        .await
        .unwrap();
    assert_eq!(stored.len(), 3);
    let shown = serde_json::to_value(&stored[0].event_data).unwrap();
    assert!(
        shown["source_id"].as_str().unwrap().starts_with("f-"),
        "{shown}"
    );
}

/// What `events` shows comes back as the events it was, also into a database that has another id for one of them.
#[tokio::test]
async fn an_export_that_is_imported_doubles_nothing() {
    let desk = Desk::new().await;
    let fill = |key: &str| {
        ENTRY.replace(
            "{\"account\"",
            &format!("{{\"source_id\":\"{key}\",\"account\""),
        )
    };
    let later = ENTRY.replace("09:30", "09:31");
    desk.import(
        "import-events",
        format!("{}\n{}\n{later}", fill("a"), fill("b")),
    )
    .ok();
    let exported = desk.run(&["events", "--json"]).ok();
    let lines: Vec<&str> = exported.lines().collect();
    let again = desk.import("import-events", &exported).ok();
    assert_eq!(again, "3 events, 0 new\n");
    let without_id = lines.iter().map(|line| {
        let mut row: serde_json::Value = serde_json::from_str(line).unwrap();
        row.as_object_mut().unwrap().remove("id");
        row.to_string()
    });
    let again = desk
        .import("import-events", Vec::from_iter(without_id).join("\n"))
        .ok();
    assert_eq!(again, "3 events, 0 new\n");

    let empty = Desk::new().await;
    assert_eq!(
        empty.import("import-events", &exported).ok(),
        "3 events, 3 new\n"
    );
    assert_eq!(empty.run(&["events", "--json"]).ok(), exported);
    let both = lines[0].replacen('{', "{\"source_id\":\"c\",", 1);
    empty
        .import("import-events", both)
        .failed(&["id: is given beside source_id"]);
}

#[tokio::test]
async fn what_cannot_be_a_trade_is_told_when_it_comes() {
    let desk = Desk::new().await;
    let exit = |week: &str, price: &str, at: &str| {
        format!(
            r#"{{"account":"GROQ","week_id":"{week}","event_type":"EXIT","event_data":{{"price":{price}}},"occurred_at":"{at}"}}"#
        )
    };
    // Before the entry, and in a week without one.
    let early = exit("2026-01-07", "1.625", "2026-01-07T14:00:00Z");
    let lone = exit("2026-01-14", "1.875", "2026-01-14T20:00:00Z");
    let ended = desk.import("import-events", format!("{early}\n{ENTRY}\n\n{lone}\n"));
    assert_eq!((ended.code, &*ended.out), (Some(0), "3 events, 3 new\n"));
    let warnings: Vec<&str> = ended.err.lines().collect();
    let why = "an EXIT without an ENTRY before it in its week counts for nothing";
    assert_eq!(warnings.len(), 2, "{ended:?}");
    assert!(
        warnings[0].starts_with("warning: /tmp/")
            && warnings[0].ends_with(&format!("input, line 1: {why}")),
        "{ended:?}"
    );
    assert!(
        warnings[1].ends_with(&format!("input, line 4: {why}")),
        "{ended:?}"
    );

    // A thousand times, and a thousandth.
    for price in ["1500", "0.0015"] {
        let far = exit("2026-01-07", price, "2026-01-13T20:00:00Z");
        desk.import("import-events", &far).failed(&[
            "nothing was stored: /tmp/",
            &format!("input, line 1: the price {price} is a thousand times that of the same trade in event "),
            "--force takes it all the same",
        ]);
    }
    assert_eq!(
        events::history(&desk.db, &Filter::default(), None, 10)
            .await
            .unwrap()
            .len(),
        3
    );
    let near = exit("2026-01-07", "1499.99", "2026-01-13T20:00:00Z");
    let ended = desk.import("import-events", near);
    assert_eq!(
        (ended.code, &*ended.out, &*ended.err),
        (Some(0), "1 event, 1 new\n", "")
    );
    let far = exit("2026-01-07", "1500", "2026-01-13T21:00:00Z");
    let file = desk.folder.file("far", far);
    let said = desk
        .run(&["import-events", "--force", file.to_str().unwrap()])
        .ok();
    assert_eq!(said, "1 event, 1 new\n");
}

#[tokio::test]
async fn bad_events_are_refused_whole() {
    let desk = Desk::new().await;
    let with = |from: &str, to: &str| {
        assert!(ENTRY.contains(from), "{from}");
        ENTRY.replace(from, to)
    };
    let cases = [
        (ENTRY[..50].to_owned(), "line 2 is not one JSON object: EOF"),
        (
            "{'account': 1}".to_owned(),
            "line 2 is not one JSON object: key must be a string at column 2",
        ),
        ("[]".to_owned(), "line 2 is not one JSON object"),
        (
            "{\"\u{1b}[31m\": 1}".to_owned(),
            "line 2 is not one JSON object",
        ),
        (
            r#"{"\u001b[31mx\nerror: y":1}"#.to_owned(),
            r"\u{1b}[31mx\nerror: y",
        ),
        (
            with(r#""week_id":"2026-01-07""#, r#""week_id":"2026-01-08""#),
            "line 2, week_id: 2026-01-08 is a Thursday; a week is named by its Wednesday, here 2026-01-07",
        ),
        (
            with("-05:00", ""),
            "line 2, occurred_at: has no offset from UTC",
        ),
        (with("GROQ", "groq"), "line 2, account: one to twenty"),
        (
            with("\"account\"", "\"acount\""),
            "line 2, acount: unknown field `acount`",
        ),
        (
            with("\"LONG\"", "\"SHORT\""),
            "line 2, event_document.conviction: must be",
        ),
        (
            with("1.50", "0"),
            "line 2, event_document.price: must be above zero",
        ),
        (
            with("{\"price\"", "{\"prize\""),
            "line 2, event_document: missing field `price`",
        ),
        ("1".repeat(10_000_000), "line 2 is longer than 1024 KiB"),
    ];
    for (line, why) in cases {
        desk.import(
            "import-events",
            format!("{}\n{line}\n", with("09:30", "08:00")),
        )
        .failed(&["error: /tmp/", why]);
    }
    desk.import("import-events", b"{\"account\":\"\xff\"}")
        .failed(&["line 1 byte 13 is not UTF-8"]);
    nothing_stored(&desk).await;
}

#[tokio::test]
async fn a_slow_pipe_is_read_to_its_end() {
    let desk = Desk::new().await;
    let pipe = desk.folder.pipe("pipe");
    let child = binary(&desk.url)
        .arg("import-bars")
        .arg(&pipe)
        .spawn()
        .unwrap();
    let mut writer = writer(&pipe);
    writeln!(writer, "{HEADER}\n{}", AAPL.trim_end()).unwrap();
    drop(writer);
    let said = Ended::from(child.wait_with_output().unwrap()).ok();
    assert_eq!(said, "1 bar: 1 inserted, 0 updated, 0 unchanged\n");
}
