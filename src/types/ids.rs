use checked_pg::key::uuid_key;
use uuid::Uuid;

uuid_key! {
    /// One model's pitch in one week.
    PitchId as "pitch_id"
}
uuid_key! {
    /// One peer review of a pitch.
    ReviewId as "review_id"
}
uuid_key! {
    /// The chairman's decision of a week.
    DecisionId as "decision_id"
}
uuid_key! {
    /// One research report.
    ReportId as "report_id"
}
uuid_key! {
    /// One execution event.
    EventId as "event_id"
}
uuid_key! {
    /// A person who uses the desk.
    UserId as "user_id"
}
uuid_key! {
    /// A cash account with a balance; not the name of a trading [`Account`](super::Account).
    AccountId as "account_id"
}
uuid_key! {
    /// One line of the desk's log.
    LogId as "log_id"
}
uuid_key! {
    /// One run of a market data fetch.
    FetchId as "fetch_id"
}
uuid_key! {
    /// The performance figures of one account over one span.
    PerformanceId as "performance_id"
}
uuid_key! {
    /// The performance figures of one account under one market condition.
    ConditionPerformanceId as "condition_performance_id"
}
uuid_key! {
    /// Something the performance job could not believe.
    ProblemId as "problem_id"
}

uuid_key! {
    /// One run of the pipeline of a week.
    RunId as "run_id"
}
uuid_key! {
    /// One step of a run.
    JobId as "job_id"
}
uuid_key! {
    /// One trade that the desk means to make; made with [`TradeId::from_key`].
    TradeId as "trade_id"
}
uuid_key! {
    /// One order at the broker; made with [`OrderId::of_attempt`].
    OrderId as "order_id"
}

/// Fixed for ever: another value would give every existing key another id.
const EVENT_NAMESPACE: Uuid = Uuid::from_u128(0x6a1d_0f3e_93c4_4b0e_8a55_2f7c_61d2_b9e4);
/// As fixed as that one.
const TRADE_NAMESPACE: Uuid = Uuid::from_u128(0x2c9f_71b8_05d6_4e3a_9be1_84a7_d03c_6f52);

impl EventId {
    /// The id of the event that `key` names (UUID version 5): the same key always gives the same id, so that writing
    /// an event again after a lost answer cannot store it twice.
    #[must_use]
    pub fn from_key(key: &str) -> Self {
        Self::from_uuid(Uuid::new_v5(&EVENT_NAMESPACE, key.as_bytes()))
    }
}

impl TradeId {
    /// The id of the trade that `key` names (UUID version 5): proposing a trade again cannot make two of it.
    #[must_use]
    pub fn from_key(key: &str) -> Self {
        Self::from_uuid(Uuid::new_v5(&TRADE_NAMESPACE, key.as_bytes()))
    }
}

impl OrderId {
    /// The id of the `attempt`-th order of a trade, counted from 1: whoever sends an order again after a lost answer sends the
    /// same one. It is meant to be the client's id of the order at the broker.
    #[must_use]
    pub fn of_attempt(trade: TradeId, attempt: i32) -> Self {
        Self::from_uuid(Uuid::new_v5(&trade.as_uuid(), &attempt.to_be_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::DateTime;

    #[test]
    fn generated_ids_carry_their_time() {
        let at = DateTime::from_timestamp(1_767_798_003, 123_000_000).unwrap();
        let id = PitchId::generate(at);
        let (seconds, nanos) = id.as_uuid().get_timestamp().unwrap().to_unix();
        assert_eq!((seconds, nanos), (1_767_798_003, 123_000_000));
        assert_ne!(id, PitchId::generate(at));
        assert!(id < PitchId::generate(at + chrono::TimeDelta::milliseconds(1)));
    }

    #[test]
    fn a_key_names_one_event() {
        assert_eq!(
            EventId::from_key("2026-01-07/CHATGPT/entry"),
            EventId::from_key("2026-01-07/CHATGPT/entry")
        );
        assert_ne!(EventId::from_key("a"), EventId::from_key("b"));
        assert_eq!(
            EventId::from_key("a").to_string(),
            "7058efc3-7a01-5127-a979-a468326ccd8c"
        );
    }

    #[test]
    fn an_attempt_of_a_trade_is_one_order() {
        let trade = TradeId::from_key("2026-01-07/CHATGPT/SPY");
        assert_eq!(trade, TradeId::from_key("2026-01-07/CHATGPT/SPY"));
        assert_ne!(
            trade.as_uuid(),
            EventId::from_key("2026-01-07/CHATGPT/SPY").as_uuid()
        );
        let first = OrderId::of_attempt(trade, 1);
        assert_eq!(first, OrderId::of_attempt(trade, 1));
        assert_ne!(first, OrderId::of_attempt(trade, 2));
        assert_ne!(first, OrderId::of_attempt(TradeId::from_key("another"), 1));
    }

    #[test]
    fn ids_are_read_from_text_and_json() {
        let text = "01890a5d-ac96-774b-bcce-b302099a8057";
        let id: ReviewId = text.parse().unwrap();
        assert_eq!(id.to_string(), text);
        assert_eq!(
            serde_json::from_str::<ReviewId>(&format!("\"{text}\"")).unwrap(),
            id
        );
        assert_eq!("42".parse::<ReviewId>().unwrap_err().field, "review_id");
    }
}
