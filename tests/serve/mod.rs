//! podseed's own server, asked by real programs, by hostile ones, and by way of a proxy.

mod files;
mod hostile;
mod house;
mod proxy;
mod told;
mod unit;
mod web_seed;
