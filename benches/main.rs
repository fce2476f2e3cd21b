//! What podseed is fast at, measured: `cargo bench`, or `cargo bench -- kernels` for a part of it.
//!
//! Everything measured is made here: no file is read, nothing is asked for. Whole programs are not compared here.

mod feed_reading;
mod kernels;
mod metainfo;

use criterion::Criterion;

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    kernels::bench(&mut criterion);
    feed_reading::bench(&mut criterion);
    metainfo::bench(&mut criterion);
    criterion.final_summary();
}
