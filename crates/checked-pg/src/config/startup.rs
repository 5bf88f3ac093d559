//! The parameter `options`: settings for the session, as switches of the server's command line.

use std::time::Duration;

/// Splits `-c name=value --name=value` into settings; None if other switches are among them.
pub(super) fn settings(options: &str) -> Option<Vec<(String, String)>> {
    let mut words = split(options).into_iter();
    let mut settings = Vec::new();
    while let Some(word) = words.next() {
        let setting = match word.strip_prefix("--") {
            Some(setting) => setting.to_owned(),
            None => match word.strip_prefix("-c")? {
                "" => words.next()?,
                setting => setting.to_owned(),
            },
        };
        let (name, value) = setting.split_once('=')?;
        // As the server does it.
        settings.push((name.replace('-', "_"), value.to_owned()));
    }
    Some(settings)
}

/// Words between blanks; a backslash makes the next character part of its word.
fn split(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match c {
            c if c.is_ascii_whitespace() => words.extend(word.take()),
            '\\' => word.get_or_insert_default().extend(chars.next()),
            c => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    words
}

/// A time limit in the server's notation: milliseconds, or a number with a unit.
pub(crate) fn time_limit(text: &str) -> Option<Duration> {
    let text = text.trim();
    let unit_at = text
        .find(|c: char| c.is_ascii_alphabetic())
        .unwrap_or(text.len());
    let (number, unit) = text.split_at(unit_at);
    let milliseconds = match unit {
        "us" => 0.001,
        "" | "ms" => 1.0,
        "s" => 1000.0,
        "min" => 60_000.0,
        "h" => 3_600_000.0,
        "d" => 86_400_000.0,
        _ => return None,
    };
    let number: f64 = number.trim().parse().ok()?;
    let limit = Duration::try_from_secs_f64(number * milliseconds / 1000.0).ok()?;
    (limit <= super::LONGEST).then_some(limit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_end_at_blanks_that_no_backslash_precedes() {
        assert_eq!(split(r"  -c a=b\ c\\  --d=e "), ["-c", r"a=b c\", "--d=e"]);
        assert_eq!(split(""), [""; 0]);
    }

    #[test]
    fn time_limits_have_units() {
        let cases = [
            ("7000", Some(7000)),
            ("7s", Some(7000)),
            (" 1.5 min ", Some(90_000)),
            ("2h", Some(7_200_000)),
            ("0", Some(0)),
            ("7 parsecs", None),
            ("-1", None),
            ("x", None),
        ];
        for (text, milliseconds) in cases {
            assert_eq!(
                time_limit(text),
                milliseconds.map(Duration::from_millis),
                "{text}"
            );
        }
    }
}
