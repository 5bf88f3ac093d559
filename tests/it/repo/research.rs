use std::collections::BTreeMap;

use llm_trading_db::{
    repo::research::{self, DayOfProvider, Outcome, Report},
    types::{Provider, ReportId, ReportStatus},
};

use crate::fixtures::{at, database, day, model, not_found, now, research, versions, week};

fn report(provider: Provider, status: ReportStatus, created_at: &str) -> Report {
    Report {
        id: ReportId::generate(at(created_at)),
        week_id: week("2026-01-07"),
        provider,
        model: model("sonar-deep-research"),
        natural_language: String::new(),
        structured_json: research("RISK_ON"),
        status,
        error_message: None,
        generated_at: None,
        created_at: at(created_at),
    }
}

#[tokio::test]
async fn an_empty_table_has_nothing() {
    let db = database().await;
    let id = ReportId::generate(now());
    assert_eq!(
        not_found(research::get(&db, id).await),
        format!("research report {id} not found")
    );
    assert_eq!(research::latest(&db).await.unwrap(), None);
    let of_week = research::latest_by_provider(&db, week("2026-01-07")).await;
    assert_eq!(of_week.unwrap(), []);
    assert_eq!(
        research::history(&db, now()).await.unwrap(),
        BTreeMap::new()
    );
}

#[tokio::test]
async fn a_report_grows_and_keeps_the_time_of_its_first_save() {
    let db = database().await;
    let pending = report(
        Provider::Gemini,
        ReportStatus::Pending,
        "2026-01-07T12:00:00.000001Z",
    );
    research::save(&db, &pending).await.unwrap();
    assert_eq!(research::get(&db, pending.id).await.unwrap(), pending);

    let complete = Report {
        week_id: week("2026-01-14"),
        provider: Provider::Perplexity,
        model: model("sonar"),
        natural_language: "Zwölf Uhr: 'quotes', \"more\" & \n a line".to_owned(),
        structured_json: research("RISK_OFF"),
        status: ReportStatus::Complete,
        error_message: Some(String::new()),
        generated_at: Some(now()),
        created_at: now(),
        ..pending.clone()
    };
    research::save(&db, &complete).await.unwrap();
    assert_eq!(
        research::get(&db, pending.id).await.unwrap(),
        Report {
            created_at: pending.created_at,
            ..complete.clone()
        }
    );

    let before = versions(&db, "research_reports").await;
    research::save(&db, &complete).await.unwrap();
    assert_eq!(versions(&db, "research_reports").await, before);
}

#[tokio::test]
async fn the_latest_is_the_newest_complete_one() {
    let db = database().await;
    for (status, created_at) in [
        (ReportStatus::Complete, "2026-01-07T10:00:00Z"),
        (ReportStatus::Complete, "2026-01-07T12:00:00Z"),
        (ReportStatus::Complete, "2026-01-07T11:00:00Z"),
        (ReportStatus::Error, "2026-01-07T13:00:00Z"),
        (ReportStatus::Pending, "2026-01-07T14:00:00Z"),
    ] {
        let report = report(Provider::Gemini, status, created_at);
        research::save(&db, &report).await.unwrap();
    }
    let latest = research::latest(&db).await.unwrap().unwrap();
    assert_eq!(latest.created_at, at("2026-01-07T12:00:00Z"));
}

#[tokio::test]
async fn a_week_has_the_newest_report_of_each_provider() {
    let db = database().await;
    use {Provider::*, ReportStatus::*};
    let mut reports = [
        report(Perplexity, Complete, "2026-01-07T10:00:00Z"),
        report(Perplexity, Error, "2026-01-07T11:00:00Z"),
        report(Gemini, Pending, "2026-01-07T09:00:00Z"),
        report(Gemini, Complete, "2026-01-07T08:00:00Z"),
        report(Gemini, Complete, "2026-01-14T08:00:00Z"),
    ];
    // Generated later than any, which does not count.
    reports[3].generated_at = Some(at("2027-01-01T00:00:00Z"));
    reports[4].week_id = week("2026-01-14");
    for report in &reports {
        research::save(&db, report).await.unwrap();
    }
    let of_week = research::latest_by_provider(&db, week("2026-01-07")).await;
    assert_eq!(of_week.unwrap(), [reports[2].clone(), reports[1].clone()]);
}

#[tokio::test]
async fn history_is_by_day_and_provider_newest_first() {
    let db = database().await;
    use {Provider::*, ReportStatus::*};
    let mut reports = [
        report(Gemini, Complete, "2026-01-06T23:59:59.999999Z"),
        report(Gemini, Complete, "2026-01-07T00:00:00Z"),
        report(Perplexity, Error, "2026-01-07T12:00:00Z"),
        report(Gemini, Pending, "2026-01-07T13:00:00Z"),
        report(Gemini, Complete, "2026-01-08T00:00:00Z"),
    ];
    // The later report of the two that a day has of one provider has the earlier id.
    reports[3].id = ReportId::generate(at("2026-01-01T00:00:00Z"));
    for report in &reports {
        research::save(&db, report).await.unwrap();
    }
    let of = |reports: &[&Report]| {
        let reports = reports.iter();
        let mut day = DayOfProvider::default();
        (day.report_ids, day.statuses) = reports.map(|report| (report.id, report.status)).unzip();
        day
    };
    let [_, first, failed, second, last] = &reports;
    let expected = BTreeMap::from([
        (
            day("2026-01-07"),
            BTreeMap::from([(Perplexity, of(&[failed])), (Gemini, of(&[second, first]))]),
        ),
        (day("2026-01-08"), BTreeMap::from([(Gemini, of(&[last]))])),
    ]);
    assert_eq!(
        research::history(&db, at("2026-01-07T00:00:00Z"))
            .await
            .unwrap(),
        expected
    );
}

#[tokio::test]
async fn a_status_changes_without_the_rest() {
    let db = database().await;
    let mut stored = report(
        Provider::Gemini,
        ReportStatus::Pending,
        "2026-01-07T12:00:00Z",
    );
    let unknown = research::set_status(&db, stored.id, Outcome::Complete).await;
    not_found(unknown);
    research::save(&db, &stored).await.unwrap();
    for (outcome, status, message) in [
        (
            Outcome::Error("no answer"),
            ReportStatus::Error,
            Some("no answer"),
        ),
        (Outcome::Complete, ReportStatus::Complete, None),
        (Outcome::Pending, ReportStatus::Pending, None),
    ] {
        research::set_status(&db, stored.id, outcome).await.unwrap();
        stored.status = status;
        stored.error_message = message.map(str::to_owned);
        assert_eq!(research::get(&db, stored.id).await.unwrap(), stored);
    }
}
