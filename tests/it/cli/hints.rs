//! Every message that proposes a value: whoever follows it is done, and has what was meant.

use super::Desk;
use crate::fixtures::column;

fn line(week: &str, kind: &str, at: &str) -> String {
    format!(
        r#"{{"account":"GROQ","week_id":"{week}","event_type":"{kind}","event_data":{{"price":601.25,"direction":"LONG","conviction":1}},"occurred_at":"{at}"}}"#
    )
}

#[tokio::test]
async fn a_proposal_that_is_followed_imports() {
    const AT: &str = "2026-11-05T15:00:00Z";
    const WEEK: &str = "2026-11-04";
    // The text at fault, where the message puts the proposal, and the week that the event is then in.
    let cases = [
        ("2026-11-02", "here ", "2026-11-04"), // Monday: the calendar week that it begins
        ("2026-11-03", "here ", "2026-10-28"),
        ("2026-11-12", "here ", "2026-11-11"),
        ("2026-11-20", "here ", "2026-11-18"),
        ("2026-11-28", "here ", "2026-11-25"),
        ("2026-12-06", "here ", "2026-12-02"),
        ("unknown", "such as ", "2026-01-07"),
        ("2026-1-7", "such as ", "2026-01-07"),
        ("entry", "known; ", WEEK),
        ("2026-11-05", "such as ", WEEK),
        ("2026-11-06T15:00:00", "end it with ", WEEK),
    ];
    for (fault, before, week) in cases {
        let desk = Desk::new().await;
        let wrong = match fault {
            "entry" => line(WEEK, fault, AT),
            "2026-11-05" | "2026-11-06T15:00:00" => line(WEEK, "ENTRY", fault),
            _ => line(fault, "ENTRY", AT),
        };
        let refused = desk.import("import-events", &wrong);
        assert_eq!(refused.code, Some(1), "{refused:?}");
        let (_, proposal) = refused.err.split_once(before).expect(&refused.err);
        let proposal = proposal.split([' ', ',', ';', '\n']).next().unwrap();
        let followed = match before {
            "end it with " => format!("{fault}{proposal}"),
            _ => proposal.to_owned(),
        };
        let right = wrong.replace(&format!("\"{fault}\""), &format!("\"{followed}\""));
        assert_eq!(desk.import("import-events", right).ok(), "1 event, 1 new\n");
        let stored: Vec<String> = column(&desk.db, "SELECT week_id::text FROM execution_events")
            .await
            .unwrap();
        assert_eq!(stored, [week], "{fault}");
    }
}
