use std::collections::BTreeMap;

use llm_trading_db::{
    db::Db,
    error::Result,
    repo::{
        pitches::{self, NewPitch},
        reviews::{self, NewReview, Round, StoredReview},
    },
    types::{PitchId, ReviewId, Timestamp, WeekId},
};

use crate::fixtures::{
    ALLOWED, account, at, changed_at, count, database, database_as_owner, execute, invalid, label,
    model, not_found, now, pitch, refused_by, review, versions, week,
};

fn wednesday() -> WeekId {
    week("2026-01-07")
}

/// The pitches of the models.
async fn pitched(db: &Db, research_date: Option<Timestamp>, models: &[&str]) -> Vec<PitchId> {
    let new: Vec<NewPitch> = models
        .iter()
        .map(|name| NewPitch {
            model: model(name),
            account: account("COUNCIL"),
            pitch_data: pitch(wednesday(), name, "SPY", "1"),
        })
        .collect();
    pitches::save(db, wednesday(), research_date, &new, now())
        .await
        .unwrap()
}

/// A round: labels as `A=groq`, reviews as `gemini:A=7`, the mark at the end.
fn round(labels: &str, reviews: &str) -> Round {
    let letter = |text: &str| label(text.chars().next().unwrap());
    let labels: BTreeMap<_, _> = labels
        .split_whitespace()
        .map(|pair| pair.split_once('=').unwrap())
        .map(|(label, name)| (letter(label), model(name)))
        .collect();
    let reviews = reviews.split_whitespace().map(|text| {
        let (reviewer, rest) = text.split_once(':').unwrap();
        let (label, mark) = rest.split_once('=').unwrap();
        NewReview {
            reviewer_model: model(reviewer),
            review_data: review(letter(label), mark.parse().unwrap()),
        }
    });
    Round {
        week: wednesday(),
        research_date: None,
        labels,
        reviews: reviews.collect(),
    }
}

async fn save(db: &Db, round: &Round) -> Result<Vec<ReviewId>> {
    save_at(db, round, now()).await
}

async fn save_at(db: &Db, round: &Round, at: Timestamp) -> Result<Vec<ReviewId>> {
    db.transaction(async |tx| reviews::save_round(tx, round, at).await)
        .await
}

/// `Pitch A chatgpt`, for each review in order.
fn summary(reviews: &[StoredReview]) -> Vec<String> {
    reviews
        .iter()
        .map(|review| format!("{} {}", review.pitch_label, review.reviewer_model))
        .collect()
}

#[tokio::test]
async fn an_empty_table_has_nothing() {
    let db = database().await;
    assert_eq!(save(&db, &round("", "")).await.unwrap(), []);
    let id = ReviewId::generate(now());
    assert_eq!(
        not_found(reviews::get(&db, id).await),
        format!("review {id} not found")
    );
    let pitch = PitchId::generate(now());
    assert_eq!(reviews::of_pitch(&db, pitch).await.unwrap(), []);
    let of_round = reviews::of_round(&db, wednesday(), None).await;
    assert_eq!(of_round.unwrap(), []);
}

#[tokio::test]
async fn ids_come_in_the_order_of_the_reviews() {
    let db = database().await;
    let pitches = pitched(&db, None, &["groq", "gemini", "claude"]).await;
    let round = round(
        "C=groq A=gemini B=claude",
        "groq:B=9 claude:C=1 groq:A=8 gemini:C=10",
    );
    let ids = save(&db, &round).await.unwrap();
    for (id, (new, pitch)) in ids.iter().zip(
        round
            .reviews
            .iter()
            .zip([pitches[2], pitches[0], pitches[1], pitches[0]]),
    ) {
        let stored = reviews::get(&db, *id).await.unwrap();
        let expected = like!(stored, {
            id: *id,
            week_id: wednesday(),
            pitch_id: pitch,
            reviewer_model: new.reviewer_model.clone(),
            pitch_label: new.review_data.pitch_label(),
            review_data: new.review_data.clone(),
            research_date: None,
            created_at: now(),
        });
        assert_eq!(stored, expected);
    }
    let of_round = reviews::of_round(&db, wednesday(), None).await.unwrap();
    assert_eq!(
        summary(&of_round),
        [
            "Pitch A groq",
            "Pitch B groq",
            "Pitch C claude",
            "Pitch C gemini"
        ]
    );
    let of_pitch = reviews::of_pitch(&db, pitches[0]).await.unwrap();
    assert_eq!(of_pitch, of_round[2..]);
}

#[tokio::test]
async fn saving_again_keeps_ids_and_removes_what_is_gone() {
    let db = database().await;
    pitched(&db, None, &["groq", "gemini"]).await;
    let first = round("A=groq B=gemini", "gemini:A=7 groq:B=7 claude:B=7");
    let ids = save(&db, &first).await.unwrap();

    // The labels are drawn again, a mark changes, a review goes and one comes.
    let second = round("B=groq A=gemini", "claude:B=3 gemini:B=8 groq:A=7");
    let later = at("2026-01-08T00:00:00Z");
    let again = save_at(&db, &second, later).await.unwrap();
    assert_eq!(again[1..], ids[..2]);
    let of_round = reviews::of_round(&db, wednesday(), None).await.unwrap();
    assert_eq!(
        summary(&of_round),
        ["Pitch A groq", "Pitch B claude", "Pitch B gemini"]
    );
    assert_eq!(of_round[2].review_data, second.reviews[1].review_data);
    assert_eq!(
        (of_round[2].created_at, of_round[1].created_at),
        (now(), later)
    );
    assert_eq!(changed_at(&db, "peer_reviews").await, [later; 3]);

    let before = versions(&db, "peer_reviews").await;
    let ids = save_at(&db, &second, now()).await.unwrap();
    assert_eq!(ids, again);
    assert_eq!(versions(&db, "peer_reviews").await, before);

    let none = round("", "");
    assert_eq!(save(&db, &none).await.unwrap(), []);
    assert_eq!(count(&db, "peer_reviews").await, 0);
}

#[tokio::test]
async fn a_round_leaves_the_reviews_of_another_research_alone() {
    let db = database().await;
    let models = ["groq", "gemini"];
    pitched(&db, None, &models).await;
    pitched(&db, Some(now()), &models).await;
    let without = round("A=groq", "gemini:A=7");
    let with = Round {
        research_date: Some(now()),
        ..without.clone()
    };
    let ids = save(&db, &without).await.unwrap();
    let others = save(&db, &with).await.unwrap();
    assert_ne!(ids, others);
    save(
        &db,
        &Round {
            reviews: vec![],
            ..without
        },
    )
    .await
    .unwrap();
    let left = reviews::of_round(&db, wednesday(), Some(now()))
        .await
        .unwrap();
    assert_eq!(left.iter().map(|r| r.id).collect::<Vec<_>>(), others);
    assert_eq!(count(&db, "peer_reviews").await, 1);
}

#[tokio::test]
async fn a_round_that_does_not_fit_says_why_and_changes_nothing() {
    let db = database().await;
    pitched(&db, None, &["groq", "gemini"]).await;
    save(&db, &round("A=groq", "gemini:A=7")).await.unwrap();
    for (labels, reviews, why) in [
        (
            "A=groq",
            "gemini:C=7 gemini:A=1 claude:B=7 groq:C=7",
            "labels: no model is given for Pitch B, Pitch C",
        ),
        (
            "A=groq B=gemini",
            "gemini:B=7 groq:A=7 claude:A=1",
            "reviews: gemini, groq reviewed the own pitch",
        ),
        (
            "A=groq B=qwen C=claude",
            "groq:B=7 gemini:A=1 gemini:C=7",
            "labels: no pitch of claude, qwen in week 2026-01-07",
        ),
        (
            "A=groq",
            "gemini:A=1 gemini:A=2",
            "reviews: more than one row for groq gemini; give each key once",
        ),
        (
            "A=groq B=groq",
            "gemini:A=1 gemini:B=2",
            "reviews: more than one row for groq gemini; give each key once",
        ),
    ] {
        assert_eq!(invalid(save(&db, &round(labels, reviews)).await), why);
    }
    let kept = reviews::of_round(&db, wednesday(), None).await.unwrap();
    assert_eq!(kept[0].review_data, review(label('A'), 7));
    assert_eq!(kept.len(), 1);
}

#[tokio::test]
async fn a_review_has_a_pitch_in_its_own_week() {
    let db = database_as_owner().await;
    let pitch = pitched(&db, None, &["groq"]).await[0];
    let document = serde_json::to_string(&review(label('A'), 7)).unwrap();
    let insert = |week, pitch| {
        format!(
            "INSERT INTO peer_reviews (id, week_id, pitch_id, reviewer_model, pitch_label, review_data)
             VALUES (gen_random_uuid(), '{week}', '{pitch}', 'gemini', 'Pitch A', '{document}')"
        )
    };
    for (week, pitch) in [
        ("2026-01-14", pitch),
        ("2026-01-07", PitchId::generate(now())),
    ] {
        let refused = execute(&db, &insert(week, pitch)).await;
        assert_eq!(refused_by(refused), "peer_reviews_pitch_fkey");
    }
    execute(&db, &insert("2026-01-07", pitch)).await.unwrap();
    let twice = execute(&db, &insert("2026-01-07", pitch)).await;
    assert_eq!(refused_by(twice), "peer_reviews_pitch_reviewer_key");
    // A pitch takes its reviews with it.
    execute(&db, &format!("DELETE FROM pm_pitches WHERE {ALLOWED}"))
        .await
        .unwrap();
    assert_eq!(count(&db, "peer_reviews").await, 0);
}

#[tokio::test]
async fn a_review_without_its_research_gets_it() {
    let db = database().await;
    pitched(&db, Some(now()), &["groq"]).await;
    let round = Round {
        research_date: Some(now()),
        ..round("A=groq", "claude:A=7")
    };
    let ids = save(&db, &round).await.unwrap();
    // As another program may have left it.
    execute(&db, "UPDATE peer_reviews SET research_date = NULL")
        .await
        .unwrap();
    assert_eq!(save(&db, &round).await.unwrap(), ids);
    let stored = reviews::get(&db, ids[0]).await.unwrap();
    assert_eq!(stored.research_date, Some(now()));
}
