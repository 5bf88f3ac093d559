//! A week of the council: whole or not at all.

use std::collections::BTreeMap;

use llm_trading_db::{
    db::Db,
    repo::{
        pitches::NewPitch,
        research::Report,
        reviews::{NewReview, Round},
    },
    service::council::{self, CouncilWeek},
    types::{Provider, ReportId, ReportStatus},
};

use crate::fixtures::{
    account, at, count, database, decision, invalid, label, model, now, pitch, research, review,
    week,
};

const MODELS: [&str; 3] = ["groq", "chatgpt", "gemini"];
const TABLES: [&str; 4] = [
    "research_reports",
    "pm_pitches",
    "peer_reviews",
    "chairman_decisions",
];

/// Two reports, a pitch of each model, and a review of each pitch by each other model.
pub fn council_week() -> CouncilWeek {
    let week = week("2026-01-07");
    let report = |provider| Report {
        id: ReportId::generate(now()),
        week_id: week,
        provider,
        model: model("sonar"),
        natural_language: "calm".to_owned(),
        structured_json: research("RISK_ON"),
        status: ReportStatus::Complete,
        error_message: None,
        generated_at: Some(now()),
        created_at: now(),
    };
    let labels: BTreeMap<_, _> = ['B', 'A', 'C']
        .map(label)
        .into_iter()
        .zip(MODELS.map(model))
        .collect();
    let pairs = labels
        .iter()
        .flat_map(|pair| MODELS.map(model).map(|reviewer| (pair, reviewer)));
    let reviews = pairs
        .filter(|((_, reviewed), reviewer)| *reviewed != reviewer)
        .map(|((label, _), reviewer_model)| NewReview {
            reviewer_model,
            review_data: review(*label, 7),
        })
        .collect();
    CouncilWeek {
        research: vec![report(Provider::Perplexity), report(Provider::Gemini)],
        pitches: MODELS
            .iter()
            .map(|name| NewPitch {
                model: model(name),
                account: account("COUNCIL"),
                pitch_data: pitch(week, name, "SPY", "1"),
            })
            .collect(),
        round: Round {
            week,
            research_date: Some(now()),
            labels,
            reviews,
        },
        decision: decision(week, "SPY", "1"),
    }
}

async fn sizes(db: &Db) -> [i64; 4] {
    let mut sizes = [0; 4];
    for (size, table) in sizes.iter_mut().zip(TABLES) {
        *size = count(db, table).await;
    }
    sizes
}

#[tokio::test]
async fn a_week_comes_back_as_it_was_saved() {
    let db = database().await;
    let council = council_week();
    let (week, research_date) = (council.round.week, council.round.research_date);
    let saved = council::save(&db, &council, now()).await.unwrap();
    assert_eq!(sizes(&db).await, [2, 3, 6, 1]);

    let stored = council::load(&db, week, research_date).await.unwrap();
    let [first, second] = &council.research[..] else {
        panic!()
    };
    assert_eq!(stored.research.len(), 2);
    assert!(stored.research.contains(first) && stored.research.contains(second));
    let names: Vec<_> = stored
        .pitches
        .iter()
        .map(|p| p.pitch.model.as_str())
        .collect();
    assert_eq!(names, ["chatgpt", "gemini", "groq"]);
    for (id, new) in saved.pitches.iter().zip(&council.pitches) {
        let pitch = &stored
            .pitches
            .iter()
            .find(|p| p.pitch.id == *id)
            .unwrap()
            .pitch;
        assert_eq!(
            (&pitch.model, &pitch.pitch_data),
            (&new.model, &new.pitch_data)
        );
    }
    for (id, new) in saved.reviews.iter().zip(&council.round.reviews) {
        let mut reviews = stored.pitches.iter().flat_map(|pitch| &pitch.reviews.0);
        let review = reviews.find(|review| review.id == *id).unwrap();
        assert_eq!(
            (&review.reviewer_model, &review.review_data),
            (&new.reviewer_model, &*new.review_data)
        );
    }
    assert_eq!(stored.decisions[0].id, saved.decision);
    assert_eq!(stored.decisions[0].decision_data, council.decision);

    let other = council::load(&db, week, None).await.unwrap();
    assert!(other.pitches.is_empty());
    let empty = council::load(&db, week.next(), research_date)
        .await
        .unwrap();
    assert!(empty.research.is_empty() && empty.decisions.is_empty());
}

#[tokio::test]
async fn saving_again_keeps_every_id() {
    let db = database().await;
    let mut council = council_week();
    let first = council::save(&db, &council, now()).await.unwrap();
    // The same week, told in another order and with another outcome.
    council.pitches.reverse();
    council.round.reviews.reverse();
    council.decision = decision(council.round.week, "TLT", "-1");
    let later = at("2026-01-08T00:00:00Z");
    let mut second = council::save(&db, &council, later).await.unwrap();
    second.pitches.reverse();
    second.reviews.reverse();
    assert_eq!(second, first);
    assert_eq!(sizes(&db).await, [2, 3, 6, 1]);
    let stored = council::load(&db, council.round.week, Some(now()))
        .await
        .unwrap();
    assert_eq!(stored.decisions[0].decision_data, council.decision);
}

#[tokio::test]
async fn a_week_that_fails_anywhere_leaves_nothing() {
    let db = database().await;
    let next = week("2026-01-14");
    type Damage = fn(&mut CouncilWeek);
    let broken: [(Damage, &str); 4] = [
        (
            |council| council.research[1].week_id = week("2026-01-14"),
            "research.week_id: a report is for week 2026-01-14, not 2026-01-07",
        ),
        (
            |council| council.pitches.push(council.pitches[0].clone()),
            "pitches: more than one row for",
        ),
        (
            |council| drop(council.round.labels.pop_first()),
            "labels: no model is given for Pitch A",
        ),
        (
            |council| council.decision = decision(week("2026-01-14"), "SPY", "1"),
            "decision_data.week_id: the decision is for week 2026-01-14, not 2026-01-07",
        ),
    ];
    for (damage, why) in broken {
        let mut council = council_week();
        damage(&mut council);
        let error = invalid(council::save(&db, &council, now()).await);
        assert!(error.contains(why), "{error}");
        assert_eq!(sizes(&db).await, [0; 4], "{why}");
    }
    // And a good week before stays as it was.
    let good = council_week();
    council::save(&db, &good, now()).await.unwrap();
    let before = council::load(&db, good.round.week, Some(now()))
        .await
        .unwrap();
    let mut bad = council_week();
    bad.round.reviews.clear();
    bad.decision = decision(next, "SPY", "1");
    assert!(council::save(&db, &bad, now()).await.is_err());
    let after = council::load(&db, good.round.week, Some(now()))
        .await
        .unwrap();
    assert_eq!(after, before);
}
