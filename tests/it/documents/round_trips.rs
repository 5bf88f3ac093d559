//! Any valid document is read as it was written: from JSON text, and from a JSONB column of its domain.

use llm_trading_db::documents::{Content, Document};
use proptest::{
    strategy::{Strategy, ValueTree},
    test_runner::TestRunner,
};

use super::{connect, strategies, through_server};

/// How many documents go through the server, in one statement.
const BATCH: usize = 200;

/// Checks that a document and its text are what they were, digit for digit.
fn assert_same<C: Content + PartialEq + std::fmt::Debug>(
    before: &Document<C>,
    after: &Document<C>,
) {
    assert_eq!(before, after);
    assert_eq!(
        serde_json::to_string(before).unwrap(),
        serde_json::to_string(after).unwrap()
    );
}

fn through_json<C>(contents: impl Strategy<Value = C>)
where
    C: Content + PartialEq + std::fmt::Debug,
{
    let run = TestRunner::default().run(&contents, |content| {
        let document = Document::new(content).unwrap();
        let json = serde_json::to_string(&document).unwrap();
        assert_same(&document, &Document::from_json(&json).unwrap());
        Ok(())
    });
    run.unwrap();
}

async fn through_jsonb<C>(contents: impl Strategy<Value = C>)
where
    C: Content + Clone + PartialEq + std::fmt::Debug + Send + Sync + Unpin + 'static,
{
    let mut runner = TestRunner::deterministic();
    let documents: Vec<Document<C>> = (0..BATCH)
        .map(|_| Document::new(contents.new_tree(&mut runner).unwrap().current()).unwrap())
        .collect();
    let back = through_server(&mut connect().await, &documents).await;
    assert_eq!(back.len(), BATCH);
    for (before, after) in documents.iter().zip(&back) {
        assert_same(before, after);
    }
}

/// Both ways, for each kind of document.
macro_rules! round_trips {
    ($($kind:ident),+ $(,)?) => {
        $(mod $kind {
            #[test]
            fn through_json() {
                super::through_json(super::strategies::$kind());
            }

            #[tokio::test]
            async fn through_jsonb() {
                super::through_jsonb(super::strategies::$kind()).await;
            }
        })+
    };
}

round_trips!(pitch, review, pitch_reviews, decision, research, event, log);
