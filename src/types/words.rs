use checked_pg::key::closed_set;

closed_set! {
    /// Which way a position goes.
    Direction as "direction" {
        /// Bought: gains when the price rises.
        Long = "LONG",
        /// Sold short: gains when the price falls.
        Short = "SHORT",
        /// No position.
        Flat = "FLAT",
    }
}
closed_set! {
    /// Who wrote a research report.
    #[non_exhaustive]
    Provider as "provider" {
        /// Perplexity.
        Perplexity = "perplexity",
        /// Gemini.
        Gemini = "gemini",
    }
}
closed_set! {
    /// How far a research report has come.
    #[non_exhaustive]
    ReportStatus as "report_status" {
        /// Asked for, not there yet.
        Pending = "pending",
        /// There, and of use.
        Complete = "complete",
        /// Failed; what is stored says why.
        Error = "error",
    }
}
closed_set! {
    /// How grave a log line is, in rising order.
    #[non_exhaustive]
    Level as "log_level" {
        /// For whoever looks into a fault.
        Debug = "DEBUG",
        /// The normal course.
        Info = "INFO",
        /// Odd, but handled.
        Warning = "WARNING",
        /// Something failed.
        Error = "ERROR",
        /// The desk cannot go on.
        Critical = "CRITICAL",
    }
}
closed_set! {
    /// Which market data a fetch asked for.
    #[non_exhaustive]
    FetchType as "fetch_type" {
        /// Daily bars.
        Daily = "daily",
        /// Hourly snapshots.
        Hourly = "hourly",
    }
}
closed_set! {
    /// How a fetch ended.
    #[non_exhaustive]
    FetchStatus as "fetch_status" {
        /// What was asked for is stored.
        Success = "success",
        /// It is not; the log line says why.
        Error = "error",
    }
}
closed_set! {
    /// A stage of the pipeline of a week, in the order in which they come.
    Stage as "stage" {
        /// The providers write their reports.
        Research = "research",
        /// The models pitch.
        Pitches = "pitches",
        /// The models review, and the chairman decides.
        Council = "council",
        /// Orders go to the broker.
        Execution = "execution",
    }
}
closed_set! {
    /// How far a job has come.
    JobStatus as "job_status" {
        /// Asked for, not begun.
        Queued = "queued",
        /// Begun, not ended.
        Running = "running",
        /// Ended well.
        Complete = "complete",
        /// Ended badly; the row says why.
        Error = "error",
    }
}
closed_set! {
    /// What a person says about a pitch or a report.
    Verdict as "verdict" {
        /// It may be used.
        Approved = "approved",
        /// It must not be used.
        Rejected = "rejected",
    }
}
closed_set! {
    /// How far a trade has come.
    TradeStatus as "trade_status" {
        /// Proposed; no order was sent.
        Pending = "pending",
        /// Taken by a program that is sending orders for it.
        Executing = "executing",
        /// An order for it is filled.
        Executed = "executed",
        /// Given up before an order was filled.
        Cancelled = "cancelled",
        /// No order for it could be filled.
        Failed = "failed",
    }
}
closed_set! {
    /// How far an order has come.
    OrderStatus as "order_status" {
        /// Written down, before it goes to the broker.
        Sending = "sending",
        /// The broker has it.
        Placed = "placed",
        /// All of it is bought or sold.
        Filled = "filled",
        /// Withdrawn.
        Cancelled = "cancelled",
        /// Refused by the broker.
        Rejected = "rejected",
    }
}
closed_set! {
    /// Whether an order buys or sells.
    OrderSide as "order_side" {
        /// Buys.
        Buy = "buy",
        /// Sells.
        Sell = "sell",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_round_trip() {
        for direction in Direction::ALL {
            assert_eq!(direction.as_str().parse(), Ok(*direction));
        }
        assert!(
            "WARN".parse::<Level>().is_err(),
            "the domain has one word for it"
        );
        assert_eq!(Level::Warning.to_string(), "WARNING");
        assert!(Level::Error > Level::Warning);
        let error = "SIDEWAYS".parse::<Direction>().unwrap_err();
        assert_eq!(
            error.to_string(),
            "direction: must be one of: LONG SHORT FLAT"
        );
    }
}
