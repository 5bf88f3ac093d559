//! A private PostgreSQL server started from the installed binaries.
