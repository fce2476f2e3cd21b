//! Types whose values have one word each, the same in JSON, in the database and in messages.

/// A text that is none of the words that stand for the values of a type.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("\"{0}\" is not a word that is known here")]
pub struct UnknownWord(pub String);

/// Gives an enum its words.
macro_rules! words {
    ($type:ident { $($variant:ident = $name:literal),+ $(,)? }) => {
        impl $type {
            /// Every value, in order.
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            /// The name in JSON, in the database and in messages.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $name),+ }
            }
        }

        impl std::fmt::Display for $type {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl std::str::FromStr for $type {
            type Err = $crate::model::UnknownWord;

            fn from_str(text: &str) -> Result<Self, $crate::model::UnknownWord> {
                match text { $($name => Ok(Self::$variant),)+ _ => Err($crate::model::UnknownWord(text.to_owned())) }
            }
        }
    };
}

pub(super) use words;
