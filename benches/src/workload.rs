//! What is measured, and what this crate must reach.

/// What a peer does once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Op {
    /// `SELECT 1`: what a flight costs.
    Nothing,
    /// One pitch by its id, the document decoded to its type.
    Pitch,
    /// Sixteen pitches by their ids.
    Pitches,
    /// The last 30 bars of ten symbols.
    Bars,
    /// Upsert of so many returns, all of which change.
    Returns(usize),
    /// A transfer between two of a hundred accounts.
    Transfer,
    /// So many new pitches.
    Save(usize),
    /// The metrics job on ten symbols with 2500 days, nothing stored before.
    Metrics,
    /// The metrics job once more when each symbol got one more bar.
    NextDay,
}

impl Op {
    /// The name in the protocol of the Python peers.
    pub fn name(self) -> &'static str {
        match self {
            Self::Nothing => "nothing",
            Self::Pitch => "pitch",
            Self::Pitches => "pitches",
            Self::Bars => "bars",
            Self::Returns(_) => "returns",
            Self::Transfer => "transfer",
            Self::Save(_) => "save",
            Self::Metrics | Self::NextDay => "metrics",
        }
    }

    /// How many rows or reads one operation stands for.
    pub fn size(self) -> usize {
        match self {
            Self::Returns(n) | Self::Save(n) => n,
            Self::Pitches => IDS_AT_ONCE,
            _ => 1,
        }
    }

    /// True if it is timed run by run, and not for a span of time.
    pub fn is_job(self) -> bool {
        matches!(self, Self::Metrics | Self::NextDay)
    }
}

/// How many pitches [`Op::Pitches`] wants.
pub const IDS_AT_ONCE: usize = 16;

/// The ratio to a peer that this crate must reach: throughput unless it says otherwise.
#[derive(Debug, Clone, Copy)]
pub struct Target {
    pub peer: &'static str,
    pub at_least: f64,
}

/// One row of the table.
#[derive(Debug, Clone, Copy)]
pub struct Workload {
    pub id: &'static str,
    pub what: &'static str,
    pub unit: &'static str,
    pub op: Op,
    pub tasks: usize,
    pub targets: &'static [Target],
}

const fn target(peer: &'static str, at_least: f64) -> Target {
    Target { peer, at_least }
}

/// Names of the peers, in the order of the columns.
pub const OURS: &str = "llm-trading-db";
pub const SQLX: &str = "sqlx PgPool";
pub const TOKIO_POSTGRES: &str = "tokio-postgres";
pub const DIESEL: &str = "diesel-async";
pub const ASYNCPG: &str = "asyncpg";
pub const PSYCOPG2: &str = "psycopg2";
pub const PGBENCH: &str = "pgbench";

/// The p99 of W1 with 16 tasks may be at most this multiple of that of tokio-postgres.
pub const P99_LIMIT: f64 = 2.0;

pub const ALL: &[Workload] = &[
    Workload {
        id: "W0",
        what: "`SELECT 1`, one by one",
        unit: "ops/s",
        op: Op::Nothing,
        tasks: 1,
        targets: &[],
    },
    Workload {
        id: "W1",
        what: "a pitch by id, one by one",
        unit: "ops/s",
        op: Op::Pitch,
        tasks: 1,
        targets: &[
            target(TOKIO_POSTGRES, 0.95),
            target(SQLX, 1.4),
            target(ASYNCPG, 4.0),
        ],
    },
    Workload {
        id: "W1x16",
        what: "a pitch by id, 16 tasks",
        unit: "ops/s",
        op: Op::Pitch,
        tasks: 16,
        targets: &[
            target(TOKIO_POSTGRES, 0.95),
            target(SQLX, 1.9),
            target(ASYNCPG, 4.0),
        ],
    },
    Workload {
        id: "W1c",
        what: "16 pitches at once",
        unit: "pitches/s",
        op: Op::Pitches,
        tasks: 1,
        targets: &[target(TOKIO_POSTGRES, 1.3)],
    },
    Workload {
        id: "W2",
        what: "300 bars, one by one",
        unit: "ops/s",
        op: Op::Bars,
        tasks: 1,
        targets: &[target(TOKIO_POSTGRES, 0.95), target(ASYNCPG, 2.3)],
    },
    Workload {
        id: "W2x16",
        what: "300 bars, 16 tasks",
        unit: "ops/s",
        op: Op::Bars,
        tasks: 16,
        targets: &[target(TOKIO_POSTGRES, 0.95), target(ASYNCPG, 2.3)],
    },
    upsert("W3-10", "upsert of 10 returns", 10),
    upsert("W3-100", "upsert of 100 returns", 100),
    upsert("W3-1000", "upsert of 1000 returns", 1000),
    upsert("W3-10000", "upsert of 10 000 returns", 10_000),
    Workload {
        id: "W4",
        what: "a transfer, 16 tasks",
        unit: "ops/s",
        op: Op::Transfer,
        tasks: 16,
        targets: &[target(TOKIO_POSTGRES, 2.0), target(ASYNCPG, 4.0)],
    },
    Workload {
        id: "W5",
        what: "save one pitch",
        unit: "rows/s",
        op: Op::Save(1),
        tasks: 1,
        targets: &[target(TOKIO_POSTGRES, 0.95)],
    },
    Workload {
        id: "W5-100",
        what: "save 100 pitches at once",
        unit: "rows/s",
        op: Op::Save(100),
        tasks: 1,
        targets: &[target(TOKIO_POSTGRES, 1.6), target(ASYNCPG, 1.3)],
    },
    Workload {
        id: "W6",
        what: "metrics job, nothing stored yet",
        unit: "jobs/s",
        op: Op::Metrics,
        tasks: 1,
        targets: &[target(ASYNCPG, 10.0)],
    },
    Workload {
        id: "W6-next",
        what: "metrics job, a day later",
        unit: "jobs/s",
        op: Op::NextDay,
        tasks: 1,
        targets: &[target(ASYNCPG, 10.0)],
    },
];

/// W7 is the column of psycopg2 in W1.
pub const W7: Target = target(PSYCOPG2, 50.0);

const UPSERT: &[Target] = &[
    target(ASYNCPG, 2.3),
    target(TOKIO_POSTGRES, 2.5),
    target(PGBENCH, 0.9),
];

const fn upsert(id: &'static str, what: &'static str, rows: usize) -> Workload {
    Workload {
        id,
        what,
        unit: "rows/s",
        op: Op::Returns(rows),
        tasks: 1,
        targets: UPSERT,
    }
}
