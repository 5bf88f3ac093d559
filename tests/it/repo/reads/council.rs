//! Research, pitches, reviews, approvals, decisions.

use std::{cmp::Reverse, collections::BTreeMap};

use chrono::{DateTime, NaiveDate, Utc};
use llm_trading_db::repo::{approvals, decisions, pitches, research, reviews};
use serde_json::{Value, json};

use super::{Random, Row, Table, as_option, as_type, values, without_indexes};
use crate::fixtures::{self, at, database, label};

type IdsAndStatuses = (Vec<Value>, Vec<Value>);

const WEEKS: [&str; 4] = ["2026-01-07", "2026-01-14", "2026-01-21", "2026-01-28"];

#[tokio::test]
async fn reports_are_read_as_they_are() {
    let db = database().await;
    let table = Table::fill(&db, "research_reports", &["id"], |random| {
        json!({
            "id": random.id(),
            "week_id": random.week(),
            "provider": random.one_of(&["perplexity", "gemini"]),
            "model": random.one_of(&["sonar", "flash"]),
            "natural_language": random.one_of(&["calm", "wild"]),
            "structured_json": { "n": random.below(1000) },
            "status": random.one_of(&["pending", "complete", "error"]),
            "error_message": random.maybe("timed out"),
            "generated_at": random_instant(random),
            "created_at": random.instant(2024),
        })
    })
    .await;
    let newest = ["created_at desc", "id desc"];
    without_indexes(&db, async |tx| {
        for row in &table.rows {
            let got = research::get(&mut *tx, as_type(&row["id"])).await.unwrap();
            table.assert_read(&[got], std::slice::from_ref(row));
        }
        let complete = table.rows(|row| row["status"] == "complete", &newest);
        let latest = research::latest(&mut *tx).await.unwrap().unwrap();
        table.assert_read(&[latest], &complete[..1]);
        for week in WEEKS {
            let mut of_week = table.rows(
                |row| row["week_id"] == week,
                &["provider", newest[0], newest[1]],
            );
            of_week.dedup_by_key(|row| row["provider"].clone());
            let found = research::latest_by_provider(&mut *tx, fixtures::week(week)).await;
            table.assert_read(&found.unwrap(), &of_week);
        }
        let since = "2024-02-03T12:00:00Z";
        let mut history: BTreeMap<NaiveDate, BTreeMap<String, IdsAndStatuses>> = BTreeMap::new();
        for row in table.rows(|row| row["created_at"].as_str().unwrap() >= since, &newest) {
            let created_at: DateTime<Utc> = as_type(&row["created_at"]);
            let day = history.entry(created_at.date_naive()).or_default();
            let provider = row["provider"].as_str().unwrap().to_owned();
            let of_provider = day.entry(provider).or_default();
            of_provider.0.push(row["id"].clone());
            of_provider.1.push(row["status"].clone());
        }
        let found = research::history(&mut *tx, at(since)).await.unwrap();
        let history = history.into_iter().map(|(day, providers)| {
            let providers = providers.into_iter().map(|(provider, (ids, statuses))| {
                (provider, json!({ "report_ids": ids, "statuses": statuses }))
            });
            (day.to_string(), providers.collect::<Row>().into())
        });
        assert_eq!(
            serde_json::to_value(found).unwrap(),
            Value::from(history.collect::<Row>())
        );
    })
    .await;
}

fn random_instant(random: &mut Random) -> Value {
    let instant = random.instant(2023);
    random.maybe(instant)
}

fn a_pitch(random: &mut Random) -> Value {
    let week = random.week();
    let model = random.one_of(&["groq", "chatgpt", "gemini", "claude"]);
    let conviction = random.one_of(&["0", "1.25", "-0.5", "2"]);
    let document = fixtures::pitch(fixtures::week(&week), model, "SPY", conviction);
    json!({
        "id": random.id(),
        "week_id": week,
        "model": model,
        "account": random.account(),
        "pitch_data": document,
        "research_date": random_instant(random),
        "created_at": random.instant(2024),
        "updated_at": random.instant(2025),
    })
}

#[tokio::test]
async fn pitches_reviews_and_approvals_are_read_as_they_are() {
    let db = database().await;
    let pitched = Table::fill(
        &db,
        "pm_pitches",
        &["week_id", "model", "research_date"],
        a_pitch,
    )
    .await;
    let reviewed = Table::fill(&db, "peer_reviews", &["pitch_id", "reviewer_model"], |random| {
        // Five of the pitches have all the reviews.
        let pitch = &pitched.rows[usize::try_from(random.below(5)).unwrap()];
        let letter = random.one_of(&['A', 'B', 'C']);
        json!({
            "id": random.id(),
            "week_id": pitch["week_id"],
            "pitch_id": pitch["id"],
            "reviewer_model": format!("reviewer-{}", random.below(20)),
            "pitch_label": label(letter),
            "review_data": fixtures::review(label(letter), u8::try_from(random.below(10)).unwrap() + 1),
            "research_date": pitch["research_date"],
            "created_at": random.instant(2024),
            "updated_at": random.instant(2025),
        })
    })
    .await;
    let approved = Table::fill(&db, "pitch_approvals", &["pitch_id"], |random| {
        let pitch = &pitched.rows[usize::try_from(random.below(40)).unwrap()];
        // Half of them are of a pitch that has changed since.
        let stale = random.below(2) == 0;
        json!({
            "pitch_id": pitch["id"],
            "verdict": random.one_of(&["approved", "rejected"]),
            "decided_by": random.one_of(&["ann", "bob"]),
            "note": random.maybe("well"),
            "decided_at": random.instant(2026),
            "pitch_updated_at": if stale { "2020-01-01T00:00:00Z".into() } else { pitch["updated_at"].clone() },
        })
    })
    .await;
    let updated_at = |id: &Value| {
        pitched.rows.iter().find(|row| row["id"] == *id).unwrap()["updated_at"].clone()
    };
    let counts = |row: &Row| row["pitch_updated_at"] == updated_at(&row["pitch_id"]);
    let week_of =
        |id: &Value| pitched.rows.iter().find(|row| row["id"] == *id).unwrap()["week_id"].clone();

    without_indexes(&db, async |tx| {
        for row in &pitched.rows {
            let id = as_type(&row["id"]);
            let one = std::slice::from_ref(row);
            pitched.assert_read(&[pitches::get(&mut *tx, id).await.unwrap()], one);
            let of_pitch = reviewed.rows(
                |review| review["pitch_id"] == row["id"],
                &["reviewer_model"],
            );
            reviewed.assert_read(&reviews::of_pitch(&mut *tx, id).await.unwrap(), &of_pitch);
            let approval = approvals::of_pitch(&mut *tx, id).await.unwrap();
            let expected = approved.rows(
                |approval| approval["pitch_id"] == row["id"] && counts(approval),
                &[],
            );
            approved.assert_read(&Vec::from_iter(approval), &expected);
        }
        for row in &reviewed.rows {
            let got = reviews::get(&mut *tx, as_type(&row["id"])).await.unwrap();
            reviewed.assert_read(&[got], std::slice::from_ref(row));
        }
        for week in WEEKS {
            let of = |row: &Row| row["week_id"] == week;
            let id = fixtures::week(week);
            let found = pitches::of_week(&mut *tx, id).await.unwrap();
            pitched.assert_read(&found, &pitched.rows(of, &["model", "research_date"]));
            let found = pitches::reviewed(&mut *tx, id).await.unwrap();
            let best: Vec<_> = found
                .iter()
                .map(|pitch| {
                    (
                        pitch.average_score.is_none(),
                        Reverse(pitch.average_score),
                        pitch.model.clone(),
                    )
                })
                .collect();
            assert!(best.is_sorted() && best.len() == pitched.rows(of, &[]).len());
            let found = approvals::of_week(&mut *tx, id).await.unwrap();
            let expected = approved.rows(
                |row| week_of(&row["pitch_id"]) == week && counts(row),
                &["pitch_id"],
            );
            approved.assert_read(&found, &expected);
            for round in values(&pitched.rows, "research_date") {
                let date = as_option(&round);
                let of = |row: &Row| of(row) && row["research_date"] == round;
                let expected = pitched.rows(of, &["model"]);
                let found = pitches::of_round(&mut *tx, id, date).await.unwrap();
                pitched.assert_read(&found, &expected);
                let found = pitches::with_reviews(&mut *tx, id, date).await.unwrap();
                pitched.assert_read(&found, &expected);
                let found = reviews::of_round(&mut *tx, id, date).await.unwrap();
                reviewed.assert_read(
                    &found,
                    &reviewed.rows(of, &["pitch_label", "reviewer_model"]),
                );
            }
        }
        for round in values(&pitched.rows, "research_date") {
            if let Some(date) = as_option(&round) {
                let found = pitches::of_research(&mut *tx, date).await.unwrap();
                let expected =
                    pitched.rows(|row| row["research_date"] == round, &["week_id", "model"]);
                pitched.assert_read(&found, &expected);
            }
        }
        let newest = pitched.rows(|_| true, &["week_id desc", "research_date desc nulls last"]);
        let of_newest = |row: &Row| {
            ["week_id", "research_date"]
                .iter()
                .all(|key| row[*key] == newest[0][*key])
        };
        let found = pitches::latest(&mut *tx).await.unwrap();
        pitched.assert_read(&found, &pitched.rows(of_newest, &["model"]));
    })
    .await;
}

#[tokio::test]
async fn decisions_are_read_as_they_are() {
    let db = database().await;
    let table = Table::fill(&db, "chairman_decisions", &["week_id", "research_date"], |random| {
        let week = random.week();
        json!({
            "id": random.id(),
            "week_id": week,
            "decision_data": fixtures::decision(fixtures::week(&week), "SPY", random.one_of(&["1.5", "-0.25"])),
            "research_date": random_instant(random),
            "created_at": random.instant(2024),
            "updated_at": random.instant(2025),
        })
    })
    .await;
    without_indexes(&db, async |tx| {
        let newest = "research_date desc nulls last";
        for row in &table.rows {
            let got = decisions::get(&mut *tx, as_type(&row["id"])).await.unwrap();
            table.assert_read(&[got], std::slice::from_ref(row));
        }
        for week in WEEKS {
            let found = decisions::of_week(&mut *tx, fixtures::week(week))
                .await
                .unwrap();
            table.assert_read(&found, &table.rows(|row| row["week_id"] == week, &[newest]));
        }
        for round in values(&table.rows, "research_date") {
            if let Some(date) = as_option(&round) {
                let found = decisions::of_research(&mut *tx, date).await.unwrap();
                table.assert_read(
                    &found,
                    &table.rows(|row| row["research_date"] == round, &["week_id"]),
                );
            }
        }
        let latest = decisions::latest(&mut *tx).await.unwrap().unwrap();
        table.assert_read(
            &[latest],
            &table.rows(|_| true, &["week_id desc", newest])[..1],
        );
    })
    .await;
}
