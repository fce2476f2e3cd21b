//! Stage: what podseed has becomes a page, feeds and a catalogue that any web server can serve.

pub mod site;
