#!/bin/sh
# What CI runs. Nothing here needs a database that somebody set up: the tests and prepare start private servers.
set -eu
export SQLX_OFFLINE=true

cargo fmt --check
cargo clippy --all-targets --all-features -- -D warnings
cargo checked-pg check
cargo test --all-features
cargo checked-pg prepare --check
