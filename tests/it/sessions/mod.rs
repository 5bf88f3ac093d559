//! What one borrower of a connection does is nothing to the next one.

mod clean;
mod heal;
mod silence;
mod step;
mod tx;
