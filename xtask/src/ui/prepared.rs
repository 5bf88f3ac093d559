//! The mistakes that compile and that `prepare` refuses: each statement of a case is examined as `prepare` does it.

use std::{collections::HashMap, path::Path};

use anyhow::{Context, Result};
use cargo_checked_pg::inspect::Inspector;
use checked_pg_server::EmbeddedServer;
use sqlx::{Connection, PgConnection};

use super::case::{Case, Stage};
use crate::{desk, source};

/// What was found in the statements of the cases, mistake and mend together, by the name of the case.
pub struct Prepared(HashMap<String, Vec<String>>);

impl Prepared {
    /// Examines the statements of all cases of the stage.
    pub async fn run(cases: &[&Case], server: &EmbeddedServer) -> Result<Self> {
        let db = PgConnection::connect_with(&server.options()).await?;
        let mut inspector = Inspector::open(db, desk()?.compatible).await?;
        let mut found = HashMap::new();
        for case in cases.iter().filter(|case| case.stage == Stage::Prepare) {
            let calls = source::calls_in(Path::new(&case.place), &case.text)?;
            let mut findings = Vec::new();
            for call in calls {
                let examined = inspector.examine(&call.sql).await;
                findings.extend(examined.with_context(|| case.place.clone())?);
            }
            found.insert(case.name.clone(), findings);
        }
        inspector.close().await?;
        Ok(Self(found))
    }

    /// The mistake must have the one finding that the case expects, and the mend none.
    pub fn fault(&self, case: &Case) -> Option<String> {
        let findings = self.0.get(&case.name).map_or(&[][..], Vec::as_slice);
        let expected = |finding: &String| {
            let mut parts = case.expect.iter();
            parts.all(|part| finding.contains(part.as_str()))
        };
        let one = matches!(findings, [finding] if expected(finding));
        (!one).then(|| {
            format!(
                "{}: prepare must find {:?} once, and found:\n{}",
                case.place,
                case.expect,
                findings.join("\n")
            )
        })
    }
}
