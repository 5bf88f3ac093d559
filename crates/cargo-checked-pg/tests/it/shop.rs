//! A server with the shop's schema, and the findings on a statement there.

use cargo_checked_pg::{inspect::Inspector, project::Compatible};
use checked_pg_server::EmbeddedServer;
use sqlx::{Connection, PgConnection};

pub struct Shop {
    // Stops when the test ends.
    _server: EmbeddedServer,
    pub inspector: Inspector,
}

impl Shop {
    pub async fn open() -> Self {
        Self::with(&[]).await
    }

    /// With pairs of domains that may meet.
    pub async fn with(compatible: &[[&str; 2]]) -> Self {
        let server = EmbeddedServer::temporary().unwrap();
        let mut db = PgConnection::connect_with(&server.options()).await.unwrap();
        sqlx::raw_sql(include_str!("shop.sql"))
            .execute(&mut db)
            .await
            .unwrap();
        let compatible = compatible.iter().map(|domains| Compatible {
            domains: domains.map(str::to_owned),
            reason: "the test says so".to_owned(),
        });
        let inspector = Inspector::open(db, compatible.collect()).await.unwrap();
        Self {
            _server: server,
            inspector,
        }
    }

    /// Domains that are mixed up in a statement; what PostgreSQL says where it refuses it.
    pub async fn mixed_domains(&mut self, sql: &str) -> Vec<String> {
        match self.inspector.tree(sql).await {
            Ok(tree) => self
                .inspector
                .mixed_domains(&tree.expect("an analysed statement")),
            Err(error) => vec![format!("PostgreSQL: {error:#}")],
        }
    }

    /// All that is found in a statement.
    pub async fn findings(&mut self, sql: &str) -> Vec<String> {
        let found = self.inspector.examine(sql).await;
        found.unwrap_or_else(|error| vec![format!("PostgreSQL: {error:#}")])
    }
}
