use llm_trading_db::{
    documents::{Extra, PitchDocument, PitchReview},
    repo::{
        pitches::{self, NewPitch, StoredPitch},
        reviews::{self, NewReview, Round},
    },
    types::{Instrument, PitchId},
};

use crate::fixtures::{
    account, at, changed_at, count, database, database_as_owner, dec, execute, invalid, label,
    model, not_found, now, pitch, review, symbol, versions, week,
};

const WEEK: &str = "2026-01-07";

fn new(name: &str, conviction: &str) -> NewPitch {
    new_in(WEEK, name, conviction)
}

fn new_in(week_id: &str, name: &str, conviction: &str) -> NewPitch {
    NewPitch {
        model: model(name),
        account: account(&name.to_uppercase()),
        pitch_data: pitch(week(week_id), name, "SPY", conviction),
    }
}

fn models(pitches: &[StoredPitch]) -> Vec<&str> {
    pitches.iter().map(|pitch| pitch.model.as_str()).collect()
}

#[tokio::test]
async fn an_empty_table_has_nothing() {
    let db = database().await;
    let week = week(WEEK);
    assert_eq!(
        pitches::save(&db, week, None, &[], now()).await.unwrap(),
        []
    );
    let id = PitchId::generate(now());
    let missing = format!("pitch {id} not found");
    assert_eq!(not_found(pitches::get(&db, id).await), missing);
    assert_eq!(not_found(pitches::get_many(&db, &[id]).await), missing);
    assert_eq!(pitches::get_many(&db, &[]).await.unwrap(), []);
    assert_eq!(pitches::of_week(&db, week).await.unwrap(), []);
    assert_eq!(pitches::of_round(&db, week, None).await.unwrap(), []);
    assert_eq!(pitches::with_reviews(&db, week, None).await.unwrap(), []);
    assert_eq!(pitches::of_research(&db, now()).await.unwrap(), []);
    assert_eq!(pitches::latest(&db).await.unwrap(), []);
    assert_eq!(pitches::reviewed(&db, week).await.unwrap(), []);
}

#[tokio::test]
async fn ids_come_in_the_order_of_the_pitches() {
    let db = database().await;
    let new = [
        new("groq", "-0.25"),
        new("chatgpt", "2"),
        new("gemini", "0"),
    ];
    let ids = pitches::save(&db, week(WEEK), Some(now()), &new, now())
        .await
        .unwrap();
    let stored = pitches::get_many(&db, &ids).await.unwrap();
    assert_eq!(models(&stored), ["groq", "chatgpt", "gemini"]);

    let spy = Instrument::from(symbol("SPY"));
    for (stored, (new, instrument)) in
        stored
            .iter()
            .zip(new.iter().zip([spy, spy, Instrument::Flat]))
    {
        let expected = like!(stored, {
            id: stored.id,
            week_id: week(WEEK),
            model: new.model.clone(),
            account: new.account,
            pitch_data: new.pitch_data.clone(),
            instrument: instrument,
            direction: new.pitch_data.direction(),
            conviction: new.pitch_data.conviction(),
            research_date: Some(now()),
            created_at: now(),
        });
        assert_eq!(*stored, expected);
        assert_eq!(pitches::get(&db, stored.id).await.unwrap(), expected);
    }
}

#[tokio::test]
async fn saving_again_keeps_the_ids_and_the_first_time() {
    let db = database().await;
    let first = [new("chatgpt", "1"), new("gemini", "1.5")];
    let ids = pitches::save(&db, week(WEEK), None, &first, now())
        .await
        .unwrap();
    let changed = NewPitch {
        account: account("COUNCIL"),
        ..new("gemini", "-2")
    };
    let second = [new("groq", "1"), changed.clone(), new("chatgpt", "1")];
    let later = at("2026-01-08T00:00:00Z");
    let before = versions(&db, "pm_pitches").await;
    let again = pitches::save(&db, week(WEEK), None, &second, later)
        .await
        .unwrap();

    assert_eq!(again[1..], [ids[1], ids[0]]);
    assert!(!ids.contains(&again[0]));
    let stored = pitches::get(&db, ids[1]).await.unwrap();
    assert_eq!(
        (stored.pitch_data, stored.account, stored.created_at),
        (changed.pitch_data, changed.account, now())
    );
    // The pitch of chatgpt is the same.
    assert_eq!(changed_at(&db, "pm_pitches").await, [now(), later, later]);
    let versions = versions(&db, "pm_pitches").await;
    let kept = versions.iter().filter(|row| before.contains(row));
    assert_eq!((versions.len(), kept.count()), (3, 1));
}

#[tokio::test]
async fn each_research_has_a_round_of_its_own() {
    let db = database().await;
    // One instant, written with two offsets.
    let (utc, new_york) = (
        at("2026-01-07T14:00:00.5Z"),
        at("2026-01-07T09:00:00.5-05:00"),
    );
    let save = |research, names: &'static [&str]| {
        let new: Vec<_> = names.iter().map(|name| new(name, "1")).collect();
        let db = &db;
        async move {
            pitches::save(db, week(WEEK), research, &new, now())
                .await
                .unwrap()
        }
    };
    let ids = save(Some(utc), &["groq", "chatgpt"]).await;
    let without = save(None, &["chatgpt"]).await;
    assert_eq!(save(Some(new_york), &["chatgpt"]).await, [ids[1]]);
    let old = save(Some(at("2026-01-06T14:00:00Z")), &["gemini"]).await;

    let ids_of = |pitches: Vec<StoredPitch>| pitches.iter().map(|p| p.id).collect::<Vec<_>>();
    let week = week(WEEK);
    let round = pitches::of_round(&db, week, Some(new_york)).await.unwrap();
    assert_eq!(ids_of(round), [ids[1], ids[0]]);
    let round = pitches::of_round(&db, week, None).await.unwrap();
    assert_eq!(ids_of(round), without);
    let research = pitches::of_research(&db, new_york).await.unwrap();
    assert_eq!(ids_of(research), [ids[1], ids[0]]);
    let all = pitches::of_week(&db, week).await.unwrap();
    assert_eq!(ids_of(all), [ids[1], without[0], old[0], ids[0]]);
}

#[tokio::test]
async fn the_latest_are_of_the_newest_week_and_research() {
    let db = database().await;
    let save = async |week_id, research: Option<&str>, name| {
        let new = [new_in(week_id, name, "1")];
        pitches::save(&db, week(week_id), research.map(at), &new, now())
            .await
            .unwrap();
        models(&pitches::latest(&db).await.unwrap()).join(" ")
    };
    assert_eq!(save("2026-01-07", None, "groq").await, "groq");
    let monday = Some("2026-01-05T14:00:00Z");
    let tuesday = Some("2026-01-06T14:00:00Z");
    assert_eq!(save("2026-01-07", tuesday, "gemini").await, "gemini");
    assert_eq!(save("2026-01-07", monday, "claude").await, "gemini");
    assert_eq!(
        save("2026-01-07", tuesday, "chatgpt").await,
        "chatgpt gemini"
    );
    assert_eq!(save("2025-12-31", None, "groq").await, "chatgpt gemini");
    assert_eq!(save("2026-01-14", None, "deepseek").await, "deepseek");
}

#[tokio::test]
async fn many_come_in_the_order_asked_for() {
    let db = database().await;
    let new = [new("a", "1"), new("b", "1"), new("c", "1")];
    let ids = pitches::save(&db, week(WEEK), None, &new, now())
        .await
        .unwrap();
    let asked = [ids[2], ids[0], ids[2], ids[1], ids[0]];
    let found = pitches::get_many(&db, &asked).await.unwrap();
    assert_eq!(models(&found), ["c", "a", "c", "b", "a"]);
    let unknown = PitchId::generate(now());
    let missing = pitches::get_many(&db, &[ids[0], unknown, ids[0]]).await;
    assert_eq!(not_found(missing), format!("pitch {unknown} not found"));
}

#[tokio::test]
async fn a_model_twice_or_another_week_saves_nothing() {
    let db = database().await;
    let save =
        async |new: &[NewPitch]| invalid(pitches::save(&db, week(WEEK), None, new, now()).await);
    let error = save(&[new("groq", "1"), new("gemini", "1"), new("groq", "2")]).await;
    assert!(error.contains("for groq;"), "{error}");
    let error = save(&[new("groq", "1"), new_in("2026-01-14", "gemini", "1")]).await;
    assert_eq!(
        error,
        "pitch_data.week_id: the pitch of gemini is for week 2026-01-14, not 2026-01-07"
    );
    assert_eq!(count(&db, "pm_pitches").await, 0);
}

#[tokio::test]
async fn a_pitch_of_the_first_form_is_read_and_written() {
    let db = database().await;
    let v1 = r#"{
        "week_id": "2026-01-07", "model": "groq", "instrument": "NONE", "direction": "FLAT", "horizon": "1w",
        "thesis_bullets": ["no view"], "entry_mode": "NONE", "entry_price": null, "risk_profile": "NONE",
        "exit_event": null, "conviction": 0
    }"#;
    let new = NewPitch {
        pitch_data: PitchDocument::from_json(v1).unwrap(),
        ..new("groq", "1")
    };
    let ids = pitches::save(&db, week(WEEK), None, std::slice::from_ref(&new), now())
        .await
        .unwrap();
    let stored = pitches::get(&db, ids[0]).await.unwrap();
    assert_eq!(stored.instrument, Instrument::Flat);
    assert_eq!(stored.pitch_data, new.pitch_data);
}

#[tokio::test]
async fn reviewed_pitches_come_best_first_and_unreviewed_last() {
    let db = database().await;
    let names = ["claude", "chatgpt", "gemini", "groq"];
    let new = names.map(|name| new(name, "1"));
    let ids = pitches::save(&db, week(WEEK), None, &new, now())
        .await
        .unwrap();
    // Means that no set of seven equal marks has, and a review without one.
    for (n, mean) in [
        (0, Some(7.0)),
        (1, Some(7.14)),
        (1, Some(7.15)),
        (1, Some(7.15)),
        (2, None),
    ] {
        let mut document = serde_json::to_value(review(label('A'), 7)).unwrap();
        let keys = document.as_object_mut().unwrap();
        match mean {
            Some(mean) => keys.insert("average_score".to_owned(), mean.into()),
            None => keys.remove("average_score"),
        };
        let sql = format!(
            "INSERT INTO peer_reviews (id, week_id, pitch_id, reviewer_model, pitch_label, review_data)
             VALUES (gen_random_uuid(), '{WEEK}', '{}', 'r' || (SELECT count(*) FROM peer_reviews), 'Pitch A', '{document}')",
            ids[n]
        );
        execute(&db, &sql).await.unwrap();
    }
    let reviewed = pitches::reviewed(&db, week(WEEK)).await.unwrap();
    let found: Vec<_> = reviewed
        .iter()
        .map(|pitch| (pitch.model.as_str(), pitch.reviews, pitch.average_score))
        .collect();
    assert_eq!(
        found,
        [
            ("chatgpt", 3, Some(dec("7.15"))),
            ("claude", 1, Some(dec("7"))),
            ("gemini", 1, None),
            ("groq", 0, None)
        ]
    );
    assert_eq!(reviewed[0].id, ids[1]);
    assert_eq!(reviewed[0].conviction.value(), dec("1"));
}

#[tokio::test]
async fn pitches_come_with_their_reviews() {
    let db = database().await;
    let (this, next) = (week(WEEK), week("2026-01-14"));
    let other_round = Some(at("2026-01-06T12:00:00Z"));
    let names = ["groq", "chatgpt", "gemini"];
    for (week, round, names) in [
        (this, Some(now()), &names[..]),
        (this, other_round, &names[..2]),
        (next, Some(now()), &names[..2]),
    ] {
        let new: Vec<NewPitch> = names
            .iter()
            .zip(["0.5", "-1.25", "2"])
            .map(|(name, conviction)| new_in(&week.to_string(), name, conviction))
            .collect();
        pitches::save(&db, week, round, &new, now()).await.unwrap();
        let reviews = [("groq", 'B', 2), ("gemini", 'B', 4), ("claude", 'A', 6)];
        let reviews = reviews.map(|(name, letter, mark)| NewReview {
            reviewer_model: model(name),
            review_data: review(label(letter), mark),
        });
        let round = Round {
            week,
            research_date: round,
            labels: [(label('A'), model("groq")), (label('B'), model("chatgpt"))].into(),
            reviews: reviews.into(),
        };
        db.transaction(async |tx| reviews::save_round(tx, &round, now()).await)
            .await
            .unwrap();
    }

    let found = pitches::with_reviews(&db, this, Some(now())).await.unwrap();
    let pitches: Vec<StoredPitch> = found.iter().map(|one| one.pitch.clone()).collect();
    let of_round = pitches::of_round(&db, this, Some(now())).await.unwrap();
    assert_eq!(pitches, of_round);
    assert_eq!(models(&pitches), ["chatgpt", "gemini", "groq"]);
    for one in &found {
        let expected = reviews::of_pitch(&db, one.pitch.id).await.unwrap();
        let expected = expected.into_iter().map(|review| PitchReview {
            id: review.id,
            reviewer_model: review.reviewer_model,
            pitch_label: review.pitch_label,
            review_data: review.review_data.into_inner(),
            extra: Extra::new(),
        });
        assert_eq!(one.reviews.0, expected.collect::<Vec<_>>());
    }
    let reviewers = |n: usize| {
        let reviews = found[n].reviews.0.iter();
        reviews
            .map(|review| (review.reviewer_model.as_str(), review.pitch_label))
            .collect::<Vec<_>>()
    };
    assert_eq!(
        [0, 1, 2].map(reviewers),
        [
            vec![("gemini", label('B')), ("groq", label('B'))],
            vec![],
            vec![("claude", label('A'))],
        ]
    );
    let json = serde_json::to_value(&found[2]).unwrap();
    assert_eq!(json["model"], "groq");
    assert_eq!(json["reviews"][0]["review_data"]["scores"]["clarity"], 6);
    assert_eq!(pitches::with_reviews(&db, this, None).await.unwrap(), []);
}

#[tokio::test]
async fn a_review_that_is_none_names_its_place() {
    let db = database_as_owner().await;
    let ids = pitches::save(&db, week(WEEK), None, &[new("groq", "1")], now())
        .await
        .unwrap();
    // Of a time before the rules.
    for domain in ["review_document", "pitch_reviews_document"] {
        let sql = format!("ALTER DOMAIN {domain} DROP CONSTRAINT {domain}_form");
        execute(&db, &sql).await.unwrap();
    }
    let sql = format!(
        "INSERT INTO peer_reviews (id, week_id, pitch_id, reviewer_model, pitch_label, review_data)
         VALUES (gen_random_uuid(), '{WEEK}', '{}', 'claude', 'Pitch A', '{{\"scores\": \"secret\"}}')",
        ids[0]
    );
    execute(&db, &sql).await.unwrap();
    let error = pitches::with_reviews(&db, week(WEEK), None)
        .await
        .unwrap_err();
    let error = format!("{error:#}");
    assert!(error.contains("[0].review_data"), "{error}");
    assert!(!error.contains("secret"), "{error}");
}
