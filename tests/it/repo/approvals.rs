use chrono::TimeDelta;
use llm_trading_db::{
    db::Db,
    repo::{
        approvals::{self, NewApproval},
        pitches::{self, NewPitch},
        research::{self, Report},
    },
    types::{PitchId, Provider, ReportId, ReportStatus, Verdict},
};
use serde_json::json;

use crate::fixtures::{
    account, at, database, model, not_found, now, pitch, refused_by, research as document, week,
};

fn said(verdict: Verdict, by: &str, note: Option<&str>, time: &str) -> NewApproval {
    NewApproval {
        verdict,
        decided_by: by.parse().unwrap(),
        note: note.map(str::to_owned),
        decided_at: at(time),
    }
}

async fn save(db: &Db, conviction: &str, seconds: i64) -> PitchId {
    let new = NewPitch {
        model: model("groq"),
        account: account("GROQ"),
        pitch_data: pitch(week("2026-01-07"), "groq", "SPY", conviction),
    };
    let time = now() + TimeDelta::seconds(seconds);
    pitches::save(db, week("2026-01-07"), None, &[new], time)
        .await
        .unwrap()[0]
}

#[tokio::test]
async fn a_verdict_is_about_the_pitch_as_it_was() {
    let db = database().await;
    let id = save(&db, "1", 0).await;
    assert_eq!(approvals::of_pitch(&db, id).await.unwrap(), None);

    let yes = said(Verdict::Approved, "Ada", None, "2026-01-07T15:00:00Z");
    approvals::decide_pitch(&db, id, &yes).await.unwrap();
    let no = said(
        Verdict::Rejected,
        "Bob",
        Some("too late"),
        "2026-01-07T16:00:00Z",
    );
    approvals::decide_pitch(&db, id, &no).await.unwrap();
    let stored = approvals::of_pitch(&db, id).await.unwrap().unwrap();
    let told = json!({
        "pitch_id": id,
        "verdict": "rejected",
        "decided_by": "Bob",
        "note": "too late",
        "decided_at": "2026-01-07T16:00:00Z",
    });
    assert_eq!(json!(stored), told);
    let of_week = approvals::of_week(&db, week("2026-01-07")).await.unwrap();
    assert_eq!(of_week, std::slice::from_ref(&stored));
    let of_week = approvals::of_week(&db, week("2026-01-14")).await.unwrap();
    assert_eq!(of_week, []);

    // The same pitch once more is the same pitch; another one has the id and not the verdict.
    assert_eq!(save(&db, "1", 1).await, id);
    assert_eq!(approvals::of_pitch(&db, id).await.unwrap(), Some(stored));
    assert_eq!(save(&db, "1.5", 2).await, id);
    assert_eq!(approvals::of_pitch(&db, id).await.unwrap(), None);
    let of_week = approvals::of_week(&db, week("2026-01-07")).await.unwrap();
    assert_eq!(of_week, []);

    let unknown = PitchId::generate(now());
    not_found(approvals::decide_pitch(&db, unknown, &yes).await);
}

#[tokio::test]
async fn a_report_is_verified_or_not() {
    let db = database().await;
    let report = Report {
        id: ReportId::generate(now()),
        week_id: week("2026-01-07"),
        provider: Provider::Gemini,
        model: model("gemini"),
        natural_language: "up".to_owned(),
        structured_json: document("risk-on"),
        status: ReportStatus::Complete,
        error_message: None,
        generated_at: None,
        created_at: now(),
    };
    let yes = said(
        Verdict::Approved,
        "Ada",
        Some("read"),
        "2026-01-07T15:00:00Z",
    );
    let refused = approvals::decide_report(&db, report.id, &yes).await;
    assert_eq!(refused_by(refused), "report_approvals_report_fkey");
    research::save(&db, &report).await.unwrap();
    assert_eq!(approvals::of_report(&db, report.id).await.unwrap(), None);
    let no = said(Verdict::Rejected, "Bob", None, "2026-01-07T14:30:00Z");
    for approval in [&no, &yes] {
        approvals::decide_report(&db, report.id, approval)
            .await
            .unwrap();
    }
    let stored = approvals::of_report(&db, report.id).await.unwrap();
    let told = json!({
        "report_id": report.id,
        "verdict": "approved",
        "decided_by": "Ada",
        "note": "read",
        "decided_at": "2026-01-07T15:00:00Z",
    });
    assert_eq!(json!(stored), told);
}

#[tokio::test]
async fn a_verdict_is_about_the_newest_form_of_a_pitch() {
    let db = database().await;
    let id = save(&db, "1", 0).await;
    assert_eq!(save(&db, "2", 60).await, id);
    let yes = said(Verdict::Approved, "Ada", None, "2026-01-07T15:00:00Z");
    approvals::decide_pitch(&db, id, &yes).await.unwrap();
    assert!(approvals::of_pitch(&db, id).await.unwrap().is_some());
}
