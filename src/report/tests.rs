//! What a reader may rely on: budgets, equal bytes, nothing that executes, nothing that the figures do not hold.

use super::*;
