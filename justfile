# Recipes are one-liners over cargo: `just` is a convenience, not a need.

# An offline build must not care about anybody's database; neither of these leads to one.
bogus := "DATABASE_URL=postgres://nobody@unreachable.invalid/none SQLX_OFFLINE=true"

# List the recipes.
[private]
default:
    @just --list --unsorted

# Everything that needs no database: format, lints, docs, offline tests, examples.
[group('every day')]
check: fmt-check clippy docs
    {{ bogus }} cargo test --quiet --lib --all-features
    {{ bogus }} cargo test --quiet --all-features --test it -- offline::
    {{ bogus }} cargo test --quiet --package xtask --package checked-pg-build
    {{ bogus }} cargo test --quiet --package checked-pg --package checked-pg-server --features checked-pg/testing --lib
    {{ bogus }} cargo test --quiet --package checked-pg --package checked-pg-server --features checked-pg/testing --doc
    {{ bogus }} cargo test --quiet --package cargo-checked-pg --lib --bins

# All tests, on a private server that they start themselves.
[group('every day')]
test *ARGS:
    cargo test --all-features {{ ARGS }}
    cargo test --package cargo-checked-pg --test it {{ ARGS }}
    cargo test --package checked-pg --package checked-pg-server --features checked-pg/testing --test it --test testing {{ ARGS }}

# Addresses, TLS, poolers and failovers, on servers that the tests start.
[group('every day')]
test-roads *ARGS:
    cargo test --package checked-pg --test roads {{ ARGS }}

# The tests that depend on the server, on another version of PostgreSQL: `just test-on 18`, or `just test-on 16 17 plans::`.
[group('every day')]
test-on +ARGS:
    cargo run --quiet --package xtask -- on {{ ARGS }}

# The long tests: 64 x 1000 transfers at each isolation level, undisturbed and disturbed, and a million bars. Up to half an hour.
[group('every day')]
soak:
    cargo test --all-features --test it -- --ignored soak --nocapture --test-threads 1
    cargo test --package cargo-checked-pg --test it -- --ignored soak --nocapture

# Adopt large old databases, and write what that took into docs/from-asyncpg.md.
[group('every day')]
adoption-figures:
    RECORD_ADOPTION=1 cargo test --all-features --test it -- --ignored figures_of_large_adoptions --nocapture

# The desk's week on real market data.
[group('every day')]
demo *ARGS:
    cargo run --features cli -- demo {{ ARGS }}

# Measure against the peers and write docs/performance.md; `--quick --only W1` just prints.
[group('every day')]
bench *ARGS:
    cargo run --release --quiet --manifest-path benches/Cargo.toml --target-dir target/benches -- {{ ARGS }}

# Break things under load, beside sqlx's own pool and asyncpg, and write docs/reliability.md.
[group('every day')]
reliability *ONLY:
    cargo run --quiet --package xtask -- reliability {{ ONLY }}

# Format all sources.
[group('every day')]
fmt:
    cargo fmt --all
    cargo fmt --manifest-path benches/Cargo.toml
    cargo fmt --manifest-path examples/consumer/Cargo.toml
    cargo fmt --manifest-path examples/desk-api/Cargo.toml

# Refresh .sqlx from the statements and migrations, on a throwaway server.
[group('schema')]
prepare:
    cargo run --quiet --package cargo-checked-pg -- prepare
    cargo run --quiet --package cargo-checked-pg -- prepare crates/checked-pg

# Refresh the query cache of examples/consumer.
[group('schema')]
prepare-consumer:
    cargo run --quiet --package cargo-checked-pg -- prepare examples/consumer

# Write docs/schema.md from a migrated database.
[group('schema')]
schema:
    cargo run --quiet --package cargo-checked-pg -- schema

# Compare the database of DATABASE_URL with what was recorded, for instance `just doctor examples/consumer`.
[group('schema')]
doctor FOLDER=".":
    cargo run --quiet --package cargo-checked-pg -- doctor {{ FOLDER }}

# Start the next migration, for instance `just new-migration add_broker_to_accounts`.
[group('schema')]
new-migration NAME:
    cargo run --quiet --package cargo-checked-pg -- new-migration {{ NAME }}

# Make every mistake in every statement, see what rejects it, and publish the score.
[group('schema')]
mutants:
    cargo run --quiet --package xtask -- mutants publish {{ datetime_utc("%F") }}

# Make mistakes of meaning in statements and migrations, one at a time, and write into docs/guarantees.md which no test notices.
[group('schema')]
mutants-of-meaning:
    TMPDIR=${TMPDIR:-/dev/shm} cargo run --quiet --package xtask -- meaning publish {{ datetime_utc("%F") }}

# Make mistakes in what is computed in Rust, all in one binary, and write into docs/guarantees.md which no test notices.
[group('schema')]
mutants-of-rust:
    TMPDIR=${TMPDIR:-/dev/shm} cargo run --quiet --package xtask -- rust publish {{ datetime_utc("%F") }}

# Follow docs/adding-a-query.md in a copy of the tree.
[group('schema')]
walk-through:
    cargo run --quiet --package xtask -- walk-through

# See that every mistake of tests/ui is rejected; `just ui --write` renews its table in docs/guarantees.md, too.
[group('schema')]
ui *ARGS:
    cargo run --quiet --package xtask -- ui {{ ARGS }}

# Put each mistake of README's matrix into a new crate and see it rejected; `just guarantees --write` renews the matrix, too.
[group('schema')]
guarantees *ARGS:
    cargo run --quiet --package xtask -- guarantees {{ ARGS }}

# Fail if a source is not formatted.
[group('parts of check')]
fmt-check:
    cargo fmt --all --check

# Lints, with all features and with none.
[group('parts of check')]
clippy:
    {{ bogus }} cargo clippy --quiet --workspace --all-features --all-targets -- -D warnings
    {{ bogus }} cargo clippy --quiet --package llm-trading-db --no-default-features -- -D warnings

# The documentation, its links and its private parts.
[group('parts of check')]
docs:
    {{ bogus }} RUSTDOCFLAGS="-D warnings" cargo doc --quiet --all-features --no-deps --package llm-trading-db --package checked-pg --package checked-pg-server --package checked-pg-build

# The benchmarks still compile: lints of their package, which brings all the peers.
[group('parts of check')]
bench-check:
    cargo fmt --check --manifest-path benches/Cargo.toml
    {{ bogus }} cargo clippy --quiet --manifest-path benches/Cargo.toml --target-dir target -- -D warnings

# The service over HTTP in examples/desk-api, over real sockets.
[group('parts of check')]
desk-api:
    cargo fmt --check --manifest-path examples/desk-api/Cargo.toml
    {{ bogus }} cargo clippy --quiet --all-targets --manifest-path examples/desk-api/Cargo.toml --target-dir target -- -D warnings
    {{ bogus }} cargo test --quiet --manifest-path examples/desk-api/Cargo.toml --target-dir target

# Package the crates and use them from outside: new crates on them, and examples/consumer.
[group('parts of check')]
package:
    cargo fmt --check --manifest-path examples/consumer/Cargo.toml
    cargo run --quiet --package xtask -- package

# What CI runs after installing its tools; then it runs README's commands on version 18.
[group('parts of check')]
ci: check bench-check desk-api test-roads && proofs
    cargo test --quiet --package cargo-checked-pg --test it
    cargo test --quiet --package checked-pg --package checked-pg-server --features checked-pg/testing --test it --test testing
    cargo run --quiet --package cargo-checked-pg -- prepare --check
    cargo run --quiet --package cargo-checked-pg -- prepare --check crates/checked-pg
    cargo run --quiet --package cargo-checked-pg -- schema --check
    cargo run --quiet --package xtask -- on 15 16 17

# The long proofs: the crates from outside, the guide to the letter, every mistake of tests/ui and of README.
[group('parts of check')]
proofs: package
    cargo run --quiet --package xtask -- walk-through
    cargo run --quiet --package xtask -- ui
    cargo run --quiet --package xtask -- guarantees
