//! The integration tests: one binary, since linking polars takes long.
