//! What one borrower of a connection does is nothing to the next one.

mod clean;
mod step;
mod tx;
