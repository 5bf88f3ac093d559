//! `demo`: what a newcomer sees first.

use super::{Ended, bare_binary, end};

/// What a demo printed, and its last line, which tells of time.
fn demo() -> (String, String) {
    // A database that is given is none of its business.
    let Ended { code, out, err } = end(bare_binary()
        .env("DATABASE_URL", "postgres://127.0.0.1:1/x")
        .arg("demo"));
    assert_eq!((code, err.as_str()), (Some(0), ""), "{out}");
    let (shown, last) = out.trim_end().rsplit_once('\n').unwrap();
    (shown.to_owned(), last.to_owned())
}

#[test]
fn it_plays_the_same_weeks_each_time() {
    let (shown, last) = demo();
    let parts = [
        "3224 daily bars of 5 symbols until 2013-03-01",
        "\nMarket on 2013-03-01\n",
        "\n MSFT     ▂▂▁▅▅▇▇█▆▃▇▃▄▂▂▄▇▇████▇▄▆▃▃▆▆▇   2013-03-01    27.9500 ",
        "\nCorrelations of 7-day returns over 30 dates up to 2013-03-01\n",
        "\nAAPL        1.00   -0.67 ",
        "\nThe week of 2013-02-20\n",
        "LONG GOOG ",
        "\nThe chairman: LONG GOOG",
        " COUNCIL ",
        "\nTransfer of ",
    ];
    let mut rest = shown.as_str();
    for part in parts {
        let at = rest
            .find(part)
            .unwrap_or_else(|| panic!("no {part:?}, here or at all, in {shown}"));
        rest = &rest[at + part.len() - 1..];
    }
    let statements: u64 = last.split(' ').next().unwrap().parse().unwrap();
    assert!((20..1000).contains(&statements), "{last}");

    let (again, _) = demo();
    assert_eq!(shown, again);
}
