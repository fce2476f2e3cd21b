//! Ground: errors as people read them.

use std::error::Error;

/// An error with everything below it, on one line. Each part says only its own, so nothing is said twice.
pub fn chain(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}
