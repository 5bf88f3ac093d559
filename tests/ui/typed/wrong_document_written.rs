//! mistake: a document of one kind written into the column of another
//! covers: the wrong document type written; gotcha 4
//! symptom: any JSON went into any column
//! stage: rustc
//! expect: expected `Document<Decision>`, found `Document<Pitch>`

use llm_trading_db::{
    db::Db,
    documents::{DecisionDocument, PitchDocument},
    error::Result,
    types::DecisionId,
};

pub async fn change(db: &Db, id: DecisionId, _pitch: PitchDocument, _decision: DecisionDocument) -> Result<()> {
    #[cfg(mistake)]
    let document = _pitch;
    #[cfg(not(mistake))]
    let document = _decision;
    sqlx::query!(
        "UPDATE chairman_decisions SET decision_data = $1 WHERE id = $2::decision_id",
        document,
        id,
    )
    .execute(db)
    .await?;
    Ok(())
}
