use arrayvec::ArrayString;

use checked_pg::key::text_key;

text_key! {
    /// A ticker, such as `SPY` or `BRK.B`.
    #[derive(Copy)]
    Symbol(ArrayString<10>) as "symbol", is_symbol,
    "one to ten of A-Z, 0-9, '.' and '-', beginning with a letter, and neither FLAT nor NONE"
}
text_key! {
    /// The name of a trading account, such as `CHATGPT`.
    #[derive(Copy)]
    Account(ArrayString<20>) as "account", |text| starts_then(text, upper, |c| upper(c) || digit(c) || c == '_'),
    "one to twenty of A-Z, 0-9 and '_', beginning with a letter"
}
text_key! {
    /// A language model, by its key (`chatgpt`) or its full name (`openai/gpt-5.1`).
    Model(String) as "model", is_model,
    "one to a hundred of A-Z, a-z, 0-9 and '._:/-', beginning with a letter or a digit"
}
text_key! {
    /// The blind name under which a pitch is reviewed.
    #[derive(Copy)]
    PitchLabel(ArrayString<7>) as "pitch_label", |text| matches!(text.as_bytes(), [b'P', b'i', b't', b'c', b'h', b' ', b'A'..=b'Z']),
    "'Pitch A' to 'Pitch Z'"
}
text_key! {
    /// What happened in an execution event, such as `ENTRY` or `order_placed`.
    #[derive(Copy)]
    EventType(ArrayString<50>) as "event_type",
    |text| starts_then(text, |c| c.is_ascii_alphabetic(), |c| c.is_ascii_alphanumeric() || c == '_'),
    "one to fifty of A-Z, a-z, 0-9 and '_', beginning with a letter"
}
text_key! {
    /// A kind of market condition, such as `volatility`.
    ConditionType(String) as "condition_type", |text| is_line(text, 50),
    "one line of one to fifty characters without blanks at either end"
}
text_key! {
    /// The state of a market condition, such as `high`.
    ConditionValue(String) as "condition_value", |text| is_line(text, 50),
    "one line of one to fifty characters without blanks at either end"
}
text_key! {
    /// An e-mail address. Only its shape is checked: whether mail arrives there, only mail can tell.
    Email(String) as "email", is_email,
    "name@domain.tld of at most 254 characters without blanks"
}
text_key! {
    /// A person's name, as they write it.
    UserName(String) as "user_name", |text| is_line(text, 100),
    "one line of one to a hundred characters without blanks at either end"
}

impl Account {
    /// The account that trades the council's decision.
    #[must_use]
    pub fn council() -> Self {
        Self::literal("COUNCIL")
    }

    /// The account that stays flat, against which the others are measured.
    #[must_use]
    pub fn baseline() -> Self {
        Self::literal("DEEPSEEK")
    }

    /// One of our own names, known to fit.
    fn literal(name: &'static str) -> Self {
        let mut text = ArrayString::new();
        text.push_str(name);
        Self(text)
    }
}

impl EventType {
    /// One of the types of this crate's own events, known to fit.
    pub(crate) fn literal(name: &'static str) -> Self {
        let mut text = ArrayString::new();
        text.push_str(name);
        Self(text)
    }
}

impl PitchLabel {
    /// The label of the pitch at `index`: 0 is `Pitch A`. There is none past `Pitch Z`.
    #[must_use]
    pub fn nth(index: usize) -> Option<Self> {
        let letter = ('A'..='Z').nth(index)?;
        let mut text = ArrayString::new();
        text.push_str("Pitch ");
        text.push(letter);
        Some(Self(text))
    }
}

fn is_symbol(text: &str) -> bool {
    starts_then(text, upper, |c| {
        upper(c) || digit(c) || c == '.' || c == '-'
    }) && text != "FLAT"
        && text != "NONE"
}

fn is_model(text: &str) -> bool {
    text.len() <= 100
        && starts_then(
            text,
            |c| c.is_ascii_alphanumeric(),
            |c| c.is_ascii_alphanumeric() || "._:/-".contains(c),
        )
}

fn is_line(text: &str, max_chars: usize) -> bool {
    !text.is_empty()
        && text.trim() == text
        && text.chars().count() <= max_chars
        && !text.chars().any(char::is_control)
}

fn is_email(text: &str) -> bool {
    text.len() <= 254
        && !text.chars().any(|c| c.is_whitespace() || c.is_control())
        && text.split_once('@').is_some_and(|(name, domain)| {
            !name.is_empty()
                && name.len() <= 64
                && !domain.contains('@')
                && domain.contains('.')
                && domain.split('.').all(|label| !label.is_empty())
        })
}

fn starts_then(text: &str, first: fn(char) -> bool, rest: fn(char) -> bool) -> bool {
    let mut chars = text.chars();
    chars.next().is_some_and(first) && chars.all(rest)
}

const fn upper(c: char) -> bool {
    c.is_ascii_uppercase()
}

const fn digit(c: char) -> bool {
    c.is_ascii_digit()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_hold() {
        for good in ["SPY", "BRK.B", "A", "BF-B", "ABCDEFGHIJ"] {
            assert_eq!(Symbol::new(good).unwrap().as_str(), good);
        }
        for bad in ["", "spy", "1X", "FLAT", "NONE", "ABCDEFGHIJK", "A B", "É"] {
            assert!(Symbol::new(bad).is_err(), "{bad}");
        }
        assert!(Account::new("COUNCIL_2").is_ok() && Account::new("council").is_err());
        assert!(Model::new("anthropic/claude-opus-4-5").is_ok() && Model::new(" x").is_err());
        assert!(PitchLabel::new("Pitch A").is_ok() && PitchLabel::new("Pitch AA").is_err());
        assert!(EventType::new("order_placed").is_ok() && EventType::new("order placed").is_err());
        assert!(ConditionValue::new("high").is_ok() && ConditionValue::new("high ").is_err());
        assert!(UserName::new("Zoë").is_ok() && UserName::new("a\nb").is_err());
        for bad in ["a", "a@b", "@b.c", "a@.c", "a@b.c.", "a b@c.d", "a@b@c.d"] {
            assert!(Email::new(bad).is_err(), "{bad}");
        }
        assert!(Email::new("ann@example.org").is_ok());
    }

    #[test]
    fn own_names_are_valid() {
        assert_eq!(
            Account::new(Account::council().as_str()),
            Ok(Account::council())
        );
        assert_eq!(
            Account::new(Account::baseline().as_str()),
            Ok(Account::baseline())
        );
        assert_eq!(PitchLabel::nth(4), PitchLabel::new("Pitch E").ok());
        assert_eq!(PitchLabel::nth(26), None);
    }

    #[test]
    fn json_is_checked() {
        assert_eq!(
            serde_json::from_str::<Symbol>("\"SPY\"").unwrap(),
            Symbol::new("SPY").unwrap()
        );
        let error = serde_json::from_str::<Symbol>("\"spy\"")
            .unwrap_err()
            .to_string();
        assert!(
            error.starts_with("symbol: one to ten") && !error.contains("spy"),
            "{error}"
        );
    }
}
