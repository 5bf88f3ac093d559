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
    Provider as "provider" {
        /// Perplexity.
        Perplexity = "perplexity",
        /// Gemini.
        Gemini = "gemini",
    }
}
closed_set! {
    /// How far a research report has come.
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
    FetchType as "fetch_type" {
        /// Daily bars.
        Daily = "daily",
        /// Hourly snapshots.
        Hourly = "hourly",
    }
}
closed_set! {
    /// How a fetch ended.
    FetchStatus as "fetch_status" {
        /// What was asked for is stored.
        Success = "success",
        /// It is not; the log line says why.
        Error = "error",
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
