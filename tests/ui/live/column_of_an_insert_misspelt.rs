//! mistake: a column that the table does not have, in an `INSERT`
//! covers: a nonexistent column; defect 35
//! symptom: `UndefinedColumnError: column "created_at" … does not exist`: the builder put it into every INSERT
//! stage: database
//! expect: column "createdat" of relation "users" does not exist

use llm_trading_db::{db::Db, error::Result};

pub async fn run(db: &Db) -> Result<()> {
    #[cfg(mistake)]
    let statement = sqlx::query!("INSERT INTO users (createdat) VALUES (DEFAULT)");
    #[cfg(not(mistake))]
    let statement = sqlx::query!("INSERT INTO users (created_at) VALUES (DEFAULT)");
    statement.execute(db).await?;
    Ok(())
}
