//! The same for reviews and verdicts, and for correlations, whose cells are written in blocks, too.

use llm_trading_db::{
    db::Db,
    repo::{
        approvals::{self, NewApproval},
        correlations::{self, Block, Correlation},
        pitches::{self, NewPitch},
        research::{self, Report},
        reviews::{self, NewReview, Round},
    },
    types::{PitchId, Provider, ReportId, ReportStatus, Verdict, WeekId},
};

use super::{changed, rows};
use crate::fixtures::{
    account, at, database, day, dec, label, model, now, pitch, research as document, review,
    symbol, week,
};

/// The pitch of groq for a week.
async fn pitched(db: &Db, of: WeekId, conviction: &str, time: &str) -> PitchId {
    let new = NewPitch {
        model: model("groq"),
        account: account("GROQ"),
        pitch_data: pitch(of, "groq", "SPY", conviction),
    };
    let saved = pitches::save(db, of, None, &[new], at(time)).await;
    saved.unwrap()[0]
}

#[tokio::test]
async fn rounds() {
    let db = &database().await;
    let weeks = ["2026-01-07", "2026-01-14"].map(week);
    for week in weeks {
        pitched(db, week, "1", "2026-01-07T14:00:00Z").await;
    }
    let save = async |week, letter, mark, time: &str| {
        let round = Round {
            week,
            research_date: None,
            labels: [(label(letter), model("groq"))].into(),
            reviews: vec![NewReview {
                reviewer_model: model("gemini"),
                review_data: review(label(letter), mark),
            }],
        };
        db.transaction(async |tx| reviews::save_round(tx, &round, at(time)).await)
            .await
            .unwrap();
        rows(db, "peer_reviews").await
    };
    save(weeks[1], 'B', 5, "2026-01-07T15:00:00Z").await;
    let first = save(weeks[0], 'A', 7, "2026-01-07T16:00:00Z").await;
    let again = save(weeks[0], 'A', 7, "2026-01-07T17:00:00Z").await;
    assert_eq!(again, first);
    let marked = save(weeks[0], 'A', 8, "2026-01-07T18:00:00Z").await;
    let columns = Vec::from_iter(changed(&first, &marked));
    assert_eq!(columns, ["review_data", "updated_at"]);
    // The label stands in the document, too.
    let renamed = save(weeks[0], 'C', 8, "2026-01-07T19:00:00Z").await;
    let columns = Vec::from_iter(changed(&marked, &renamed));
    assert_eq!(columns, ["pitch_label", "review_data", "updated_at"]);
}

fn verdict() -> NewApproval {
    NewApproval {
        verdict: Verdict::Approved,
        decided_by: "Ada".parse().unwrap(),
        note: Some("read".to_owned()),
        decided_at: now(),
    }
}

#[tokio::test]
async fn verdicts() {
    let db = &database().await;
    let time = "2026-01-07T14:00:00Z";
    let [id, other] = [
        pitched(db, week("2026-01-07"), "1", time).await,
        pitched(db, week("2026-01-14"), "1", time).await,
    ];
    approvals::decide_pitch(db, other, &verdict())
        .await
        .unwrap();
    let decide = async |approval| approvals::decide_pitch(db, id, &approval).await.unwrap();
    decide(verdict()).await;
    let later = at("2026-02-01T00:00:00Z");
    each_field!(db, "pitch_approvals", verdict(), decide, also [""], {
        verdict: Verdict::Rejected,
        decided_by: "Bob".parse().unwrap(),
        note: None,
        decided_at: later,
    });
    decide(verdict()).await;
    let before = rows(db, "pitch_approvals").await;
    pitched(db, week("2026-01-07"), "2", "2026-01-08T14:00:00Z").await;
    decide(verdict()).await;
    let columns = changed(&before, &rows(db, "pitch_approvals").await);
    assert_eq!(Vec::from_iter(columns), ["pitch_updated_at"]);

    let report = |provider| Report {
        id: ReportId::generate(now()),
        week_id: week("2026-01-07"),
        provider,
        model: model("sonar"),
        natural_language: "calm".to_owned(),
        structured_json: document("RISK_ON"),
        status: ReportStatus::Complete,
        error_message: None,
        generated_at: None,
        created_at: now(),
    };
    let [report, other] = [Provider::Gemini, Provider::Perplexity].map(report);
    for report in [&report, &other] {
        research::save(db, report).await.unwrap();
        approvals::decide_report(db, report.id, &verdict())
            .await
            .unwrap();
    }
    let decide = async |approval| {
        let decided = approvals::decide_report(db, report.id, &approval).await;
        decided.unwrap();
    };
    each_field!(db, "report_approvals", verdict(), decide, also [""], {
        verdict: Verdict::Rejected,
        decided_by: "Bob".parse().unwrap(),
        note: None,
        decided_at: later,
    });
}

#[tokio::test]
async fn cells() {
    let db = &database().await;
    let base = Correlation {
        symbol_1: symbol("SPY"),
        symbol_2: symbol("GLD"),
        date: day("2026-01-07"),
        correlation: Some(dec("0.5")),
        window_rows: 30,
    };
    let other = Correlation {
        symbol_1: symbol("GLD"),
        symbol_2: symbol("SPY"),
        ..base
    };
    let save = async |cell| {
        correlations::upsert_many(db, &[cell, other]).await.unwrap();
    };
    each_field!(db, "correlation_matrix", base, save, also ["created_at"], {
        correlation: None,
        window_rows: 31,
    });

    let symbols = ["GLD", "SPY"].map(symbol);
    let dates = [day("2026-01-08")];
    let cells = [100_000_000, 25_000_000, 25_000_000, 100_000_000];
    let unknown = [Block::UNKNOWN];
    let block = |window_rows, first, cells| Block {
        symbols: &symbols,
        dates: &dates,
        window_rows,
        first,
        cells,
    };
    let before = rows(db, "correlation_matrix").await;
    correlations::insert_block(db, &block(30, 0, &cells))
        .await
        .unwrap();
    let stored = rows(db, "correlation_matrix").await;
    let kept = stored.iter().filter(|row| before.contains(row)).count();
    assert_eq!((kept, stored.len()), (2, 6));
    for (window_rows, column) in [(30, "correlation"), (31, "window_rows")] {
        let before = rows(db, "correlation_matrix").await;
        // The third of the four.
        let block = block(window_rows, 2, &unknown);
        correlations::upsert_block(db, &block).await.unwrap();
        let columns = changed(&before, &rows(db, "correlation_matrix").await);
        let mut expected = [column, "created_at"];
        expected.sort_unstable();
        assert_eq!(Vec::from_iter(columns), expected);
    }
}
