//! The configuration as a whole: what it accepts, and what it says otherwise.
