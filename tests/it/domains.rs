//! A domain and its type have one rule: what the database accepts the program reads, and the other way round.

use checked_pg::testing::Parity;
use llm_trading_db::types::{
    Account, AccountId, Amount, Balance, ConditionPerformanceId, ConditionType, ConditionValue,
    Conviction, Correlation, DecisionId, Direction, Email, EventId, EventType, FetchId,
    FetchStatus, FetchType, Instrument, JobId, JobStatus, Level, LogId, LogReturn, Model, OrderId,
    OrderSide, OrderStatus, PerformanceId, PitchId, PitchLabel, Price, ProblemId, Provider,
    Quantity, Ratio, ReportId, ReportStatus, ReviewId, RunId, Share, Stage, Symbol, TradeId,
    TradeStatus, Usd, UserId, UserName, Verdict, Volume, WeekId, Weeks,
};

#[tokio::test]
async fn a_domain_and_its_type_accept_the_same_values() {
    Parity::new(&[&llm_trading_db::SCHEMA])
        .key::<Account>()
        .key::<AccountId>()
        .key::<Amount>()
        .key::<Balance>()
        .key::<ConditionPerformanceId>()
        .key::<ConditionType>()
        .key::<ConditionValue>()
        .key::<Conviction>()
        .key::<Correlation>()
        .key::<DecisionId>()
        .key::<Direction>()
        .key::<Email>()
        .key::<EventId>()
        .key::<EventType>()
        .key::<FetchId>()
        .key::<FetchStatus>()
        .key::<FetchType>()
        .key::<Instrument>()
        .key::<JobId>()
        .key::<JobStatus>()
        .key::<OrderId>()
        .key::<OrderSide>()
        .key::<OrderStatus>()
        .key::<Quantity>()
        .key::<RunId>()
        .key::<Stage>()
        .key::<TradeId>()
        .key::<TradeStatus>()
        .key::<Verdict>()
        .key::<LogId>()
        .key::<Level>()
        .key::<LogReturn>()
        .key::<Model>()
        .key::<PerformanceId>()
        .key::<PitchId>()
        .key::<PitchLabel>()
        .key::<Price>()
        .key::<Provider>()
        .key::<Ratio>()
        .key::<ReportId>()
        .key::<ReportStatus>()
        .key::<ProblemId>()
        .key::<ReviewId>()
        .key::<Share>()
        .key::<Symbol>()
        .key::<Usd>()
        .key::<UserId>()
        .key::<UserName>()
        .key::<Volume>()
        .key::<WeekId>()
        .key::<Weeks>()
        .values([
            "SPY",
            "BRK.B",
            "chatgpt",
            "openai/gpt-5.1",
            "Pitch A",
            "order_placed",
            "a@b..c",
            "a@b@c.d",
            "@b.c",
            "a@b.c.",
            "perplexity",
            "WARN",
            "Warning",
            "9999-12-22",
            "9999-12-29",
            "10000-01-05",
        ])
        .check()
        .await;
}
