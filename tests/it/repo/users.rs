use llm_trading_db::{
    repo::users::{self, Change, User},
    types::UserId,
};

use crate::fixtures::{count, database, not_found, now, refused_by};

fn user(name: &str, email: &str, age: Option<i32>) -> User {
    User {
        id: UserId::generate(now()),
        name: name.parse().unwrap(),
        email: email.parse().unwrap(),
        active: true,
        age,
        created_at: now(),
    }
}

#[tokio::test]
async fn an_empty_table_has_nothing() {
    let db = database().await;
    let id = UserId::generate(now());
    let missing = format!("user {id} not found");
    assert_eq!(not_found(users::get(&db, id).await), missing);
    assert_eq!(not_found(users::set_active(&db, id, true).await), missing);
    let email = "ann@example.org".parse().unwrap();
    assert_eq!(users::find_by_email(&db, &email).await.unwrap(), None);
    assert_eq!(users::active(&db).await.unwrap(), []);
}

#[tokio::test]
async fn a_user_is_found_by_id_and_by_address_in_any_case() {
    let db = database().await;
    let ann = user("Ann O'Hara", "Ann@Example.org", Some(0));
    let zoe = user("Zoë", "zoe@example.org", None);
    for user in [&ann, &zoe] {
        users::add(&db, user).await.unwrap();
        assert_eq!(users::get(&db, user.id).await.unwrap(), *user);
    }
    for (address, found) in [
        ("ann@example.org", Some(&ann)),
        ("ANN@EXAMPLE.ORG", Some(&ann)),
        ("zoe@example.org", Some(&zoe)),
        ("an_@example.org", None),
    ] {
        let by_email = users::find_by_email(&db, &address.parse().unwrap()).await;
        assert_eq!(by_email.unwrap().as_ref(), found, "{address}");
    }
}

#[tokio::test]
async fn an_address_or_an_id_is_taken_once_and_an_age_is_plausible() {
    let db = database().await;
    let ann = user("Ann", "ann@example.org", Some(150));
    users::add(&db, &ann).await.unwrap();
    let same_id = User {
        email: "other@example.org".parse().unwrap(),
        ..ann.clone()
    };
    for (bad, constraint) in [
        (user("Bob", "ANN@example.org", None), "users_email_key"),
        (same_id, "users_pkey"),
        (
            user("Bob", "bob@example.org", Some(151)),
            "users_age_plausible",
        ),
        (
            user("Bob", "bob@example.org", Some(-1)),
            "users_age_plausible",
        ),
    ] {
        assert_eq!(refused_by(users::add(&db, &bad).await), constraint);
    }
    assert_eq!(count(&db, "users").await, 1);
}

#[tokio::test]
async fn those_who_left_are_not_active_until_they_are_back() {
    let db = database().await;
    let bob = user("Bob", "bob@example.org", None);
    let ann = user("Ann", "ann@example.org", None);
    let gone = User {
        active: false,
        ..user("Cid", "cid@example.org", None)
    };
    for user in [&bob, &gone, &ann] {
        users::add(&db, user).await.unwrap();
    }
    let active = async || {
        let users = users::active(&db).await.unwrap();
        users
            .iter()
            .map(|user| user.name.to_string())
            .collect::<Vec<_>>()
    };
    assert_eq!(active().await, ["Ann", "Bob"]);
    users::set_active(&db, bob.id, false).await.unwrap();
    users::set_active(&db, gone.id, true).await.unwrap();
    assert_eq!(active().await, ["Ann", "Cid"]);
    assert!(!users::get(&db, bob.id).await.unwrap().active);
}

#[tokio::test]
async fn only_what_is_given_is_changed() {
    let db = database().await;
    let ann = user("Ann", "ann@example.org", Some(41));
    let bob = user("Bob", "bob@example.org", Some(52));
    for user in [&ann, &bob] {
        users::add(&db, user).await.unwrap();
    }
    let name = Change {
        name: Some("Anna".parse().unwrap()),
        ..Change::default()
    };
    let email = Change {
        email: Some("anna@example.org".parse().unwrap()),
        ..Change::default()
    };
    let age = |age| Change {
        age: Some(age),
        ..Change::default()
    };
    let mut expected = ann.clone();
    for change in [
        Change::default(),
        name,
        age(Some(42)),
        email,
        age(None),
        age(Some(43)),
    ] {
        expected.name = change.name.clone().unwrap_or(expected.name);
        expected.email = change.email.clone().unwrap_or(expected.email);
        expected.age = change.age.unwrap_or(expected.age);
        let changed = users::change(&db, ann.id, &change).await.unwrap();
        assert_eq!(changed, expected, "{change:?}");
        assert_eq!(users::get(&db, ann.id).await.unwrap(), expected);
    }
    let all = Change {
        name: Some("Ada".parse().unwrap()),
        email: Some("ada@example.org".parse().unwrap()),
        age: Some(None),
    };
    let ada = User {
        name: "Ada".parse().unwrap(),
        email: "ada@example.org".parse().unwrap(),
        age: None,
        ..ann.clone()
    };
    assert_eq!(users::change(&db, ann.id, &all).await.unwrap(), ada);
    assert_eq!(users::get(&db, bob.id).await.unwrap(), bob);

    let taken = Change {
        email: Some("BOB@example.org".parse().unwrap()),
        ..Change::default()
    };
    assert_eq!(
        refused_by(users::change(&db, ann.id, &taken).await),
        "users_email_key"
    );
    assert_eq!(
        refused_by(users::change(&db, ann.id, &age(Some(151))).await),
        "users_age_plausible"
    );
    let nobody = UserId::generate(now());
    let missing = users::change(&db, nobody, &Change::default()).await;
    assert_eq!(not_found(missing), format!("user {nobody} not found"));
}

#[tokio::test]
async fn many_users_are_added_at_once_or_none() {
    let db = database().await;
    users::add_many(&db, &[]).await.unwrap();
    let bob = user("Bob", "bob@example.org", Some(41));
    let ann = user("Ann", "ann@example.org", None);
    let other = user("Bob's twin", "BOB@example.org", Some(40));
    let refused = users::add_many(&db, &[ann.clone(), bob.clone(), other]).await;
    assert_eq!(refused_by(refused), "users_email_key");
    assert_eq!(count(&db, "users").await, 0);
    users::add_many(&db, &[bob.clone(), ann.clone()])
        .await
        .unwrap();
    assert_eq!(users::active(&db).await.unwrap(), [ann, bob]);
}
