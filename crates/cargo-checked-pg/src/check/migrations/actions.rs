//! The rules: what a statement of a migration does to the rows and to those who use them.

use checked_pg::db::script::Token;

use super::{Finding, Known, Reader};

/// Functions whose value differs from row to row, so that a column with such a default is written into each row.
const VOLATILE: [&str; 8] = [
    "clock_timestamp",
    "gen_random_uuid",
    "nextval",
    "random",
    "timeofday",
    "uuid_generate_v4",
    "uuidv4",
    "uuidv7",
];
const SERIAL: [&str; 6] = [
    "bigserial",
    "serial",
    "serial2",
    "serial4",
    "serial8",
    "smallserial",
];

/// What a statement breaks. `base` is what its tokens' places are counted from.
pub(super) fn judge(
    tokens: &[Token<'_>],
    base: usize,
    known: &mut Known,
    found: &mut Vec<Finding>,
) {
    let Some(first) = tokens.first() else { return };
    let mut read = Reader(tokens);
    let mut told = Vec::new();
    if read.take(&["CREATE"]) {
        told.extend(create(read, known));
    } else if read.take(&["ALTER", "TABLE"]) {
        alter_table(read, base, known, found);
    } else if read.take(&["ALTER", "DOMAIN"]) {
        told.extend(alter_domain(read, known));
    } else if read.take(&["DROP"]) {
        told.extend(drop(read, known));
    } else {
        told.extend(other(read, known));
    }
    found.extend(told.into_iter().map(|what| Finding {
        at: base + first.start,
        what,
    }));
}

fn create(mut read: Reader<'_, '_>, known: &mut Known) -> Option<String> {
    let unique = read.take(&["UNIQUE"]);
    if read.take(&["INDEX"]) {
        return create_index(read, unique, known);
    }
    while ["UNLOGGED", "TEMP", "TEMPORARY", "MATERIALIZED"]
        .iter()
        .any(|word| read.take(&[*word]))
    {}
    let is_domain = read.take(&["DOMAIN"]);
    if is_domain || ["TABLE", "VIEW"].iter().any(|kind| read.take(&[*kind])) {
        read.take(&["IF", "NOT", "EXISTS"]);
        let name = read.name();
        known.domains.extend(name.clone().filter(|_| is_domain));
        known.new.extend(name);
    }
    None
}

fn create_index(mut read: Reader<'_, '_>, unique: bool, known: &Known) -> Option<String> {
    let concurrently = read.take(&["CONCURRENTLY"]);
    read.take(&["IF", "NOT", "EXISTS"]);
    if !read.take(&["ON"]) {
        read.name();
        read.take(&["ON"]);
    }
    read.take(&["ONLY"]);
    let table = read.name()?;
    let unique = if unique { "UNIQUE " } else { "" };
    match concurrently {
        true if !known.one_by_one => Some(
            "CREATE INDEX CONCURRENTLY does not run in a transaction: put it into a migration of its own whose first line is `-- no-transaction`"
                .to_owned(),
        ),
        false if !known.new.contains(&table) => Some(format!(
            "CREATE {unique}INDEX keeps all writes out of {table} for as long as it takes: CREATE {unique}INDEX CONCURRENTLY, in a \
             migration of its own whose first line is `-- no-transaction`"
        )),
        _ => None,
    }
}

fn alter_table(mut read: Reader<'_, '_>, base: usize, known: &mut Known, found: &mut Vec<Finding>) {
    read.take(&["IF", "EXISTS"]);
    read.take(&["ONLY"]);
    let Some(table) = read.name() else { return };
    let is_new = known.new.contains(&table);
    for action in read.parts() {
        let Some(first) = action.peek() else { continue };
        if let Some(what) = act(action, &table, known)
            && !is_new
        {
            let at = base + first.start;
            found.push(Finding { at, what });
        }
        known
            .checked
            .extend(action.not_null().map(|column| (table.clone(), column)));
    }
}

/// One action of ALTER TABLE.
fn act(mut read: Reader<'_, '_>, table: &str, known: &mut Known) -> Option<String> {
    if read.take(&["ADD"]) {
        let adds_constraint = [
            "CONSTRAINT",
            "CHECK",
            "UNIQUE",
            "PRIMARY",
            "FOREIGN",
            "EXCLUDE",
        ]
        .iter()
        .any(|word| read.peek().is_some_and(|token| token.is(word)));
        return match adds_constraint {
            true => add_constraint(read, table, known),
            false => add_column(read, table, known),
        };
    }
    if read.take(&["VALIDATE", "CONSTRAINT"]) {
        let name = read.name()?;
        return known.unvalidated.contains(&name).then(|| {
            format!("{name} is validated in the transaction that adds it, whose lock keeps others out of {table}: VALIDATE CONSTRAINT in the next migration")
        });
    }
    if read.take(&["ALTER"]) {
        read.take(&["COLUMN"]);
        let column = read.name()?;
        return alter_column(read, table, &column, known);
    }
    if known.expand && (read.take(&["DROP"]) || read.take(&["RENAME"])) {
        // A constraint that goes takes nothing from a program.
        return (!read.take(&["CONSTRAINT"]))
            .then(|| promised("drops or renames what older programs may use"));
    }
    let rewrites = ["LOGGED", "UNLOGGED", "TABLESPACE", "ACCESS"]
        .iter()
        .any(|what| Reader(read.0).take(&["SET", *what]));
    rewrites.then(|| {
        format!("writes all of {table} anew and keeps everybody out meanwhile: do it when nobody works, and say so in an escape")
    })
}

fn add_column(mut read: Reader<'_, '_>, table: &str, known: &Known) -> Option<String> {
    read.take(&["COLUMN"]);
    read.take(&["IF", "NOT", "EXISTS"]);
    let column = read.name()?;
    let serial = read
        .peek()
        .is_some_and(|token| SERIAL.iter().any(|serial| token.is(serial)));
    let volatile = read
        .after("DEFAULT")
        .is_some_and(|token| VOLATILE.iter().any(|function| token.is(function)));
    let generated = read.has(&["GENERATED"]) && (read.has(&["STORED"]) || read.has(&["IDENTITY"]));
    if serial || volatile || generated {
        return Some(format!(
            "{column} is written into every row of {table} while everybody is kept out: add it without a value, fill it a few rows at \
             a time, and let it have its default from then on"
        ));
    }
    // The server wants to see that the domain accepts NULL, in each row.
    let domain = Reader(read.0)
        .name()
        .filter(|name| known.domains.contains(name));
    if let Some(domain) = domain {
        return Some(format!(
            "a column of the domain {domain} is written into every row of {table} while everybody is kept out: if the table is small, say so in \
             an escape; else give it the type below the domain, and a constraint NOT VALID"
        ));
    }
    if read.has(&["NOT", "NULL"]) && !read.has(&["DEFAULT"]) && !read.has(&["GENERATED"]) {
        return Some(format!(
            "NOT NULL without DEFAULT fails if {table} has rows, and for programs that do not know {column}: give it a DEFAULT, or add it \
             nullable, fill it, and make it NOT NULL later"
        ));
    }
    if read.has(&["UNIQUE"]) || read.has(&["PRIMARY", "KEY"]) {
        return Some(builds_index(table));
    }
    let checks = read.has(&["CHECK"]) || read.has(&["REFERENCES"]);
    checks.then(|| scans(table))
}

fn add_constraint(mut read: Reader<'_, '_>, table: &str, known: &mut Known) -> Option<String> {
    let name = match read.take(&["CONSTRAINT"]) {
        true => read.name(),
        false => None,
    };
    if read.has(&["NOT", "VALID"]) {
        known.unvalidated.extend(name);
        return None;
    }
    if read.take(&["UNIQUE"]) || read.take(&["PRIMARY", "KEY"]) {
        return (!read.take(&["USING", "INDEX"])).then(|| builds_index(table));
    }
    if read.take(&["EXCLUDE"]) {
        return Some(format!(
            "an exclusion constraint builds its index while everybody is kept out of {table}, and there is no other way: do it when nobody \
             works, and say so in an escape"
        ));
    }
    Some(scans(table))
}

fn alter_column(
    mut read: Reader<'_, '_>,
    table: &str,
    column: &str,
    known: &Known,
) -> Option<String> {
    if read.take(&["SET", "NOT", "NULL"]) {
        // The server believes a check that was validated, and looks at no row.
        if known
            .checked
            .contains(&(table.to_owned(), column.to_owned()))
        {
            return None;
        }
        if known.expand {
            return Some(promised(
                "makes a column NOT NULL that older programs may leave out",
            ));
        }
        return Some(format!(
            "SET NOT NULL looks at every row of {table} while everybody is kept out: first ADD CONSTRAINT … CHECK ({column} IS NOT NULL) NOT \
             VALID, in the next migration VALIDATE CONSTRAINT, and then SET NOT NULL"
        ));
    }
    if read.take(&["TYPE"])
        || read.take(&["SET", "DATA", "TYPE"])
        || read.take(&["SET", "EXPRESSION"])
    {
        return Some(format!(
            "{column} is written anew in every row of {table} while everybody is kept out: add a column of the new type, fill it a few rows \
             at a time, and let the programs move over"
        ));
    }
    None
}

fn alter_domain(mut read: Reader<'_, '_>, known: &Known) -> Option<String> {
    let domain = read.name()?;
    if known.new.contains(&domain) {
        return None;
    }
    let adds = read.take(&["ADD"]) && !read.has(&["NOT", "VALID"]);
    let validates_now = adds || read.take(&["SET", "NOT", "NULL"]);
    validates_now.then(|| {
        format!(
            "looks at every row of every table with a column of {domain} and keeps writes out meanwhile: add the constraint NOT VALID, and \
             VALIDATE CONSTRAINT in the next migration"
        )
    })
}

fn drop(mut read: Reader<'_, '_>, known: &Known) -> Option<String> {
    let used = [
        "TABLE", "VIEW", "DOMAIN", "TYPE", "FUNCTION", "SCHEMA", "SEQUENCE",
    ];
    let drops = used.iter().any(|kind| read.take(&[*kind]));
    (known.expand && drops).then(|| promised("drops what older programs may use"))
}

fn other(mut read: Reader<'_, '_>, known: &Known) -> Option<String> {
    let alone = "do it when nobody works, and say so in an escape";
    if read.take(&["VACUUM"]) {
        let full = read.0.iter().any(|token| token.is("FULL"));
        return full.then(|| {
            format!("VACUUM FULL writes the table anew and keeps everybody out meanwhile: {alone}")
        });
    }
    if read.take(&["CLUSTER"]) {
        return Some(format!(
            "CLUSTER writes the table anew and keeps everybody out meanwhile: {alone}"
        ));
    }
    let concurrently = read.0.iter().any(|token| token.is("CONCURRENTLY"));
    if read.take(&["REINDEX"]) && !concurrently {
        return Some("REINDEX keeps writes out for as long as it takes: REINDEX … CONCURRENTLY, in a migration whose first line is `-- no-transaction`".to_owned());
    }
    if read.take(&["REFRESH", "MATERIALIZED", "VIEW"]) && !concurrently {
        let view = read.name()?;
        return (!known.new.contains(&view)).then(|| {
            format!("REFRESH keeps readers out of {view} for as long as it takes: REFRESH MATERIALIZED VIEW CONCURRENTLY")
        });
    }
    if read.take(&["TRUNCATE"]) {
        read.take(&["TABLE"]);
        let table = read.name()?;
        return (!known.new.contains(&table)).then(|| {
            format!("TRUNCATE removes all rows of {table}: if that is meant, say so in an escape")
        });
    }
    None
}

fn builds_index(table: &str) -> String {
    format!(
        "builds an index while everybody is kept out of {table}: CREATE UNIQUE INDEX CONCURRENTLY in a migration before, then ADD CONSTRAINT … \
         USING INDEX"
    )
}

fn scans(table: &str) -> String {
    format!(
        "looks at every row of {table} while writes are kept out: add the constraint NOT VALID, and VALIDATE CONSTRAINT in the next migration"
    )
}

fn promised(what: &str) -> String {
    format!(
        "the migration is marked `-- compatible: expand` and {what}: mark it `-- compatible: since` the migration from which programs do not"
    )
}
