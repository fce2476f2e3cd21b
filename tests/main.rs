//! Everything that needs more than one module, in one binary: one file per behaviour.

mod http;
mod support;
