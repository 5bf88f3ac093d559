//! How to reach the server, and the limits of the pool.
