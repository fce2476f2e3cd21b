//! What several tests lean on.

pub(crate) mod browser;
pub(crate) mod disk;
pub(crate) mod hands;
pub(crate) mod media;
pub(crate) mod nginx;
pub(crate) mod origin;
pub(crate) mod peers;
pub(crate) mod receiver;
pub(crate) mod swarm;
pub(crate) mod world;

pub(crate) use media::mp3;
pub(crate) use origin::{Fault, Origin};
