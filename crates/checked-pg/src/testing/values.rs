//! Values that a domain may or may not accept, the same in each run.

use std::collections::BTreeSet;

/// How many values are made of the words.
const MADE: usize = 1_200;

/// Texts that mean something to one base type or another.
const WORDS: &[&str] = &[
    "",
    " ",
    "a",
    "A",
    "Z9",
    "a b",
    "a.b",
    "a-b",
    "a_b",
    "a/b",
    "é",
    "ß",
    "名",
    "0",
    "-0",
    "+1",
    "1",
    "-1",
    "2",
    "007",
    "1.0",
    "1.50",
    "0.1",
    "0.005",
    "1.005",
    "0.000000005",
    "1e3",
    "1E-3",
    "1e400",
    "1e-400",
    "0x10",
    "NaN",
    "Infinity",
    "-Infinity",
    "infinity",
    "-infinity",
    "32767",
    "32768",
    "-32769",
    "2147483647",
    "2147483648",
    "-2147483649",
    "9223372036854775807",
    "9223372036854775808",
    "-9223372036854775809",
    "79228162514264337593543950335",
    "79228162514264337593543950336",
    "123456789012345678901234567890",
    "true",
    "f",
    "2026-01-07",
    "2026-01-08",
    "2026-02-30",
    "2024-02-29",
    "0001-01-01",
    "0001-01-03",
    "0001-01-05 BC",
    "9999-12-31",
    "10000-01-01",
    "5874897-12-31",
    "2026-01-07 14:00:00+00",
    "2026-01-07T14:00:00.123456Z",
    "2026-01-07 14:00:00.1234567+02",
    "294276-12-31 23:59:59+00",
    "4713-01-01 00:00:00+00 BC",
    "01890a5d-ac96-774b-bcce-b302099a8057",
    "01890A5D-AC96-774B-BCCE-B302099A8057",
    "01890a5d-ac96-774b-bcce-b302099a805",
    "{01890a5d-ac96-774b-bcce-b302099a8057}",
    "00000000-0000-0000-0000-000000000000",
    "a@b",
    "a@b.c",
    "ann@example.org",
    "https://example.org/a?b=c",
    "null",
    "NULL",
    "'",
    "\"",
    "\\",
    "$1",
    "%",
    "a\nb",
    "a\tb",
];

/// Characters that are often forgotten: blanks of all kinds, some that are not printed, some of more than one byte.
const CHARACTERS: &[char] = &[
    ' ', '\t', '\n', '\r', '\u{1}', '\u{7f}', '\u{85}', '\u{a0}', '\u{1680}', '\u{2003}',
    '\u{200b}', '\u{2028}', '\u{202f}', '\u{205f}', '\u{3000}', '\u{feff}', '\u{301}', 'a', 'Z',
    '0', '9', '.', ',', '-', '_', ':', '/', '@', '+', 'é', 'ſ', 'İ', '名', '🦀',
];

/// A row of numbers that looks random and is the same each time (splitmix64).
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % end.max(1) as u64).unwrap_or_default()
    }

    fn of<'a, T>(&mut self, all: &'a [T]) -> &'a T {
        &all[self.below(all.len())]
    }
}

/// Values around `words` (those that the test gives) and around the literals and numbers of the domains' own checks.
pub(super) fn values(words: &[String], checks: &[String]) -> Vec<String> {
    let mut all: BTreeSet<String> = WORDS.iter().map(|word| (*word).to_owned()).collect();
    all.extend(words.iter().cloned());
    for character in '\u{1}'..='\u{7f}' {
        all.extend([character.to_string(), format!("a{character}z")]);
    }
    let mut lengths = BTreeSet::from([1, 2, 20, 21, 64, 65, 254, 255, 256, 300]);
    for check in checks {
        all.extend(literals(check));
        for number in numbers(check) {
            around_number(number, &mut all);
            let length = usize::try_from(number).unwrap_or(usize::MAX);
            lengths.extend(
                (length.saturating_sub(1)..=length.saturating_add(1)).filter(|n| *n <= 1_000),
            );
        }
    }
    // Every length beside an edge, of each kind of letter: a longer limit in one of the two is found for sure.
    for length in lengths.iter().copied() {
        all.extend(["a", "A", "0", "é"].map(|letter| letter.repeat(length)));
    }
    (0..=28).for_each(|digits| around_power(digits, &mut all));
    let words: Vec<String> = all.iter().cloned().collect();
    let lengths: Vec<usize> = lengths.into_iter().collect();
    let mut numbers = Numbers(1);
    for _ in 0..MADE {
        all.insert(made(&mut numbers, &words, &lengths));
    }
    // The driver has no text with it, and the server neither.
    all.retain(|value| !value.contains('\0'));
    all.into_iter().collect()
}

fn made(numbers: &mut Numbers, words: &[String], lengths: &[usize]) -> String {
    let word = numbers.of(words).clone();
    let character = *numbers.of(CHARACTERS);
    match numbers.below(9) {
        0 => format!("{character}{word}"),
        1 => format!("{word}{character}"),
        2 => {
            let mut letters: Vec<char> = word.chars().collect();
            letters.insert(numbers.below(letters.len() + 1), character);
            letters.into_iter().collect()
        }
        3 => {
            let mut letters: Vec<char> = word.chars().collect();
            if !letters.is_empty() {
                letters.remove(numbers.below(letters.len()));
            }
            letters.into_iter().collect()
        }
        4 => word.to_uppercase(),
        5 => word.to_lowercase(),
        6 => {
            let length = *numbers.of(lengths);
            let filled = word.chars().chain(std::iter::repeat(character));
            filled.take(length).collect()
        }
        7 => {
            let whole =
                numbers.next() % 10_u64.pow(1 + u32::try_from(numbers.below(14)).unwrap_or(0));
            let sign = numbers.of(&["", "-"]);
            let places = numbers.below(10);
            format!("{sign}{whole}.{:0places$}", numbers.next() % 1_000)
        }
        _ => {
            let (year, month, day) = (
                numbers.below(3_000),
                1 + numbers.below(12),
                1 + numbers.below(31),
            );
            format!("{year:04}-{month:02}-{day:02}")
        }
    }
}

/// What stands in quotes in a check.
fn literals(check: &str) -> impl Iterator<Item = String> {
    check.split('\'').skip(1).step_by(2).map(str::to_owned)
}

/// The whole numbers in a check.
fn numbers(check: &str) -> impl Iterator<Item = i64> {
    let digits = check.split(|c: char| !c.is_ascii_digit());
    digits.filter_map(|number| number.parse().ok())
}

fn around_number(number: i64, all: &mut BTreeSet<String>) {
    for near in [number.saturating_sub(1), number, number.saturating_add(1)] {
        all.insert(near.to_string());
        all.insert(format!("-{near}"));
    }
    for fraction in ["0", "01", "001", "5", "000000001"] {
        all.insert(format!("{number}.{fraction}"));
        all.insert(format!("-{number}.{fraction}"));
    }
}

/// The edge of so many digits before the point, and what is rounded over it.
fn around_power(digits: usize, all: &mut BTreeSet<String>) {
    let nines = "9".repeat(digits.max(1));
    for sign in ["", "-"] {
        all.insert(format!("{sign}1{}", "0".repeat(digits)));
        all.insert(format!("{sign}{nines}"));
        for places in 1..=9 {
            let fraction = "9".repeat(places);
            all.insert(format!("{sign}{nines}.{fraction}"));
            all.insert(format!("{sign}{nines}.{fraction}5"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_come_from_the_checks_and_are_the_same_each_time() {
        let checks = [
            "CHECK (VALUE ~ '^[A-Z]{1,12}$' AND VALUE <> 'NONE' AND length(VALUE) < 5200)"
                .to_owned(),
        ];
        let made = values(&["SPY".to_owned()], &checks);
        for value in [
            "NONE",
            "SPY",
            "5201",
            "-5199",
            "11",
            "9999999999.99",
            "9999999999.995",
        ] {
            assert!(made.contains(&value.to_owned()), "{value}");
        }
        assert!(made.len() > 1_500 && made.len() < 4_000, "{}", made.len());
        for value in ["A", "a", "0"].map(|letter| letter.repeat(13)) {
            assert!(made.contains(&value), "{value}");
        }
        assert_eq!(values(&["SPY".to_owned()], &checks), made);
    }
}
