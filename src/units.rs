//! Ground: sizes, rates and times with their units.
