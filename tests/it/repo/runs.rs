use llm_trading_db::{
    repo::runs::{self, NewJob, Run},
    types::{JobId, JobStatus, RunId, Stage},
};
use serde_json::json;

use crate::fixtures::{at, database, execute, model, not_found, now, refused_by, week};

fn run(week_id: &str, started_at: &str) -> Run {
    Run {
        id: RunId::generate(at(started_at)),
        week_id: week(week_id),
        started_at: at(started_at),
    }
}

#[tokio::test]
async fn the_newest_run_of_a_week_is_the_one_that_counts() {
    let db = database().await;
    assert_eq!(runs::latest(&db, week("2026-01-07")).await.unwrap(), None);
    let (first, second, other) = (
        run("2026-01-07", "2026-01-07T14:00:00Z"),
        run("2026-01-07", "2026-01-07T15:00:00Z"),
        run("2026-01-14", "2026-01-14T15:00:00Z"),
    );
    for run in [&second, &first, &other] {
        runs::start(&db, run).await.unwrap();
    }
    let latest = runs::latest(&db, week("2026-01-07")).await.unwrap();
    assert_eq!(latest, Some(second));
    assert_eq!(
        refused_by(runs::start(&db, &first).await),
        "pipeline_runs_pkey"
    );
}

#[tokio::test]
async fn a_job_goes_forward_only_and_one_program_has_it() {
    let db = database().await;
    let run = run("2026-01-07", "2026-01-07T14:00:00Z");
    runs::start(&db, &run).await.unwrap();
    let new = NewJob {
        id: JobId::generate(now()),
        run_id: run.id,
        stage: Stage::Pitches,
        model: Some(model("groq")),
    };
    not_found(runs::job(&db, new.id).await);
    runs::queue(&db, &new, at("2026-01-07T14:01:00Z"))
        .await
        .unwrap();
    let mut job = runs::job(&db, new.id).await.unwrap();
    let queued = json!({
        "id": new.id,
        "run_id": run.id,
        "stage": "pitches",
        "model": "groq",
        "status": "queued",
        "error_message": null,
        "queued_at": "2026-01-07T14:01:00Z",
        "started_at": null,
        "finished_at": null,
    });
    assert_eq!(json!(job), queued);

    // Not begun, so nothing that could end.
    let end = at("2026-01-07T14:03:00Z");
    assert!(!runs::finish(&db, new.id, Ok(()), end).await.unwrap());
    let begin = at("2026-01-07T14:02:00Z");
    assert!(runs::begin(&db, new.id, begin).await.unwrap());
    assert!(!runs::begin(&db, new.id, end).await.unwrap());
    assert!(
        runs::finish(&db, new.id, Err("timed out"), end)
            .await
            .unwrap()
    );
    assert!(!runs::finish(&db, new.id, Ok(()), now()).await.unwrap());
    job.status = JobStatus::Error;
    job.error_message = Some("timed out".to_owned());
    job.started_at = Some(begin);
    job.finished_at = Some(end);
    assert_eq!(runs::jobs(&db, run.id).await.unwrap(), [job]);

    let orphan = NewJob {
        id: JobId::generate(now()),
        run_id: RunId::generate(now()),
        ..new
    };
    let refused = runs::queue(&db, &orphan, now()).await;
    assert_eq!(refused_by(refused), "pipeline_jobs_run_fkey");
    // Whoever writes around the functions cannot make a job that ended before it began.
    let refused = execute(
        &db,
        "UPDATE pipeline_jobs SET status = 'queued', error_message = NULL",
    )
    .await;
    assert!(refused_by(refused).starts_with("pipeline_jobs_"));
}

#[tokio::test]
async fn a_stage_is_as_far_as_its_jobs() {
    let db = database().await;
    let run = run("2026-01-07", "2026-01-07T14:00:00Z");
    runs::start(&db, &run).await.unwrap();
    // What each job of the stage comes to, and what the stage is then.
    let (queued, running, complete, error) = (0, 1, 2, 3);
    let cases = [
        (Stage::Research, vec![queued, queued], JobStatus::Queued),
        (Stage::Pitches, vec![queued, complete], JobStatus::Running),
        (Stage::Council, vec![complete, error], JobStatus::Error),
        (
            Stage::Execution,
            vec![complete, complete],
            JobStatus::Complete,
        ),
    ];
    for (stage, ends, _) in &cases {
        for end in ends {
            let id = JobId::generate(now());
            let job = NewJob {
                id,
                run_id: run.id,
                stage: *stage,
                model: None,
            };
            runs::queue(&db, &job, now()).await.unwrap();
            if *end >= running {
                assert!(runs::begin(&db, id, now()).await.unwrap());
            }
            if *end >= complete {
                let outcome = if *end == error {
                    Err("no answer")
                } else {
                    Ok(())
                };
                assert!(runs::finish(&db, id, outcome, now()).await.unwrap());
            }
        }
    }
    let jobs = runs::jobs(&db, run.id).await.unwrap();
    assert_eq!(jobs.len(), 8);
    let expected = cases.map(|(stage, _, status)| (stage, status)).into();
    assert_eq!(runs::stages(&jobs), expected);
    assert_eq!(runs::stages(&[]), [].into());
}
