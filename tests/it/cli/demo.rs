//! `demo`: what a newcomer sees first.

use super::{Ended, bare_binary, end};

/// What a demo printed, and its last line, which tells of time.
fn demo() -> (String, String) {
    // A database that is given is none of its business.
    let Ended { code, out, err } = end(bare_binary()
        .env("DATABASE_URL", "postgres://127.0.0.1:1/x")
        .arg("demo"));
    assert_eq!(
        (code, err.as_str()),
        (Some(0), "setting up a temporary PostgreSQL server …\n"),
        "{out}"
    );
    let (shown, last) = out.trim_end().rsplit_once('\n').unwrap();
    (shown.to_owned(), last.to_owned())
}

#[test]
fn it_plays_the_same_weeks_each_time() {
    let (shown, last) = demo();
    let parts = [
        "3224 real daily bars of 5 symbols, 2010-03-01 to 2013-03-01",
        "\nMarket on 2013-03-01\n",
        "\n MSFT     ▂▂▁▅▅▇▇█▆▃▇▃▄▂▂▄▇▇████▇▄▆▃▃▆▆▇   2013-03-01    27.9500 ",
        "\nCorrelations of 7-day returns over 30 dates up to 2013-03-01\n",
        "\nAAPL        1.00   -0.67 ",
        "\nPitches of the week of 2013-02-20\n",
        "\nThe council decides: ",
        "\nLeaderboard after 12 weeks\n",
        "\nTransfer of 25000 dollars between two accounts of 100000: now 75000.00 and 125000.00\n",
    ];
    let mut rest = shown.as_str();
    for part in parts {
        let at = rest
            .find(part)
            .unwrap_or_else(|| panic!("no {part:?}, here or at all, in {shown}"));
        rest = &rest[at + part.len() - 1..];
    }
    for account in ["CHATGPT", "GEMINI", "GROQ", "CLAUDE", "COUNCIL", "DEEPSEEK"] {
        assert!(shown.contains(account), "{account}: {shown}");
    }
    let statements: u64 = last.split(' ').next().unwrap().parse().unwrap();
    assert!((100..1000).contains(&statements), "{last}");

    let (again, _) = demo();
    assert_eq!(shown, again);
}
