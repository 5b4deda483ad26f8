//! What the program can be asked to do.

pub(crate) mod build_push;
pub(crate) mod deploy;
