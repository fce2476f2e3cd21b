//! What several tests lean on.

pub mod media;
pub mod origin;

pub use media::mp3;
pub use origin::{Fault, Origin};
