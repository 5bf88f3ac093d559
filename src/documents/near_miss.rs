//! Words that are almost one of a known set.

/// The known word that `word` was probably meant to be: the same but for case and separators, or with one letter wrong, missing,
/// too many or swapped with its neighbour. None if it is one of them.
pub(super) fn near_miss<'k>(word: &str, known: &[&'k str]) -> Option<&'k str> {
    /// A shorter word has too many neighbours of its own: EDIT is no EXIT.
    const LONG: usize = 5;
    if known.contains(&word) {
        return None;
    }
    let bare = bare(word);
    known.iter().copied().find(|known| {
        let known = self::bare(known);
        bare == known || (known.len() >= LONG && one_slip(&bare, &known))
    })
}

fn bare(word: &str) -> Vec<u8> {
    word.bytes()
        .filter(u8::is_ascii_alphanumeric)
        .map(|byte| byte.to_ascii_lowercase())
        .collect()
}

/// Whether one slip of the keyboard lies between two words that differ.
fn one_slip(a: &[u8], b: &[u8]) -> bool {
    let (short, long) = if a.len() <= b.len() { (a, b) } else { (b, a) };
    let same = short.iter().zip(long).take_while(|(x, y)| x == y).count();
    let (short, long) = (&short[same..], &long[same..]);
    match long.len() - short.len() {
        0 => {
            short.get(1..) == long.get(1..)
                || (short.get(2..) == long.get(2..)
                    && short.first() == long.get(1)
                    && short.get(1) == long.first())
        }
        1 => short == &long[1..],
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_is_told_from_another_word() {
        let known = ["ENTRY", "EXIT", "order_placed", "order_failed"];
        for (word, meant) in [
            ("entry", Some("ENTRY")),
            ("Exit", Some("EXIT")),
            ("ENTYR", Some("ENTRY")),
            ("ENTY", Some("ENTRY")),
            ("ENTRYS", Some("ENTRY")),
            ("EMTRY", Some("ENTRY")),
            ("OrderPlaced", Some("order_placed")),
            ("order_plced", Some("order_placed")),
            ("ORDER_FAILED", Some("order_failed")),
            ("order_filled", None),
            ("ENTRY", None),
            ("EDIT", None),
            ("RETRY", None),
            ("note", None),
            ("E", None),
        ] {
            assert_eq!(near_miss(word, &known), meant, "{word}");
        }
    }
}
