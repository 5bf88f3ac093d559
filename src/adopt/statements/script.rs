//! The scripts, each a part of the work.

const PREPARE: &str = concat!(
    include_str!("../sql/functions.sql"),
    include_str!("../sql/relations.sql"),
    include_str!("../sql/old_tables.sql"),
);

/// A part of the work that is one script.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::adopt) enum Script {
    Settings,
    Prepare,
    Move,
    Reopen,
    Read,
    OnlyRefused,
    KnownPitches,
    ForgetPitches,
    Market,
    Returns,
    People,
    Council,
    Journal,
    JudgeForms,
    RenameEvents,
    GiveIds,
    Write,
    Orders,
    GiveTrades,
    WriteOrders,
    Reviews,
    JudgeReviews,
    GiveReviewIds,
    WriteReviews,
    Prove,
    Grant,
    Pause,
    CompareDerived,
    BeforePerformance,
    Forget,
}

impl Script {
    pub(super) const fn text(self) -> &'static str {
        match self {
            // By itself: a script is parsed before its first statement runs.
            Self::Settings => include_str!("../sql/settings.sql"),
            Self::Prepare => PREPARE,
            Self::Move => include_str!("../sql/move.sql"),
            Self::Reopen => include_str!("../sql/reopen.sql"),
            Self::OnlyRefused => include_str!("../sql/again.sql"),
            Self::KnownPitches => include_str!("../sql/known_pitches.sql"),
            Self::ForgetPitches => include_str!("../sql/forget_pitches.sql"),
            Self::Read => concat!(
                include_str!("../sql/load.sql"),
                include_str!("../sql/read.sql")
            ),
            Self::Market => include_str!("../sql/market.sql"),
            Self::Returns => include_str!("../sql/returns.sql"),
            Self::People => include_str!("../sql/people.sql"),
            Self::Council => include_str!("../sql/council.sql"),
            Self::Journal => include_str!("../sql/journal.sql"),
            Self::JudgeForms => include_str!("../sql/judge.sql"),
            Self::RenameEvents => include_str!("../sql/rename_events.sql"),
            Self::GiveIds => include_str!("../sql/ids.sql"),
            Self::Write => include_str!("../sql/write.sql"),
            Self::Orders => include_str!("../sql/orders.sql"),
            Self::GiveTrades => include_str!("../sql/attempts.sql"),
            Self::WriteOrders => include_str!("../sql/write_orders.sql"),
            Self::Reviews => include_str!("../sql/reviews.sql"),
            Self::JudgeReviews => {
                "SELECT pg_temp.judge_form('peer_reviews', 'review_data', 'review')"
            }
            Self::GiveReviewIds => include_str!("../sql/review_ids.sql"),
            Self::WriteReviews => include_str!("../sql/write_reviews.sql"),
            Self::Prove => include_str!("../sql/proofs.sql"),
            Self::Grant => include_str!("../sql/grant.sql"),
            Self::Pause => "SELECT pg_sleep(0.1); SELECT pg_stat_clear_snapshot()",
            Self::CompareDerived => include_str!("../sql/compare_derived.sql"),
            Self::BeforePerformance => include_str!("../sql/before_performance.sql"),
            Self::Forget => include_str!("../sql/forget.sql"),
        }
    }
}
