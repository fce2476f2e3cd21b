"""podseed against its peers.

Makes its data, runs ours and theirs in turn over the same input, and writes the ratios to `benches/RESULTS.md`. What
is measured is always a whole process as a user starts it, with all of its children. What one function costs is the
matter of `cargo bench`.

`command` is the command line, `rows` what is compared, `bench` the stage on which a row plays, `measure` runs one
program, `results` what came out, and `table` how that is written down. Below them are `inputs`, `origin`, `peers`,
`machine` and `metainfo`, which know nothing of each other. `scripts` are those peers that are Python libraries.
"""
