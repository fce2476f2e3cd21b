//! Stage: torrents. Metainfo is made and read here, whatever its version; files are hashed and verified.
//!
//! The info dictionary depends on the bytes and on the request alone: no clock, no random number, no path of this
//! machine. Nothing here writes a file, and nothing asks the network.

mod abreast;
mod bencode;
mod create;
mod edit;
mod encode;
mod hashing;
mod layout;
mod magnet;
mod make;
mod metainfo;
mod parse;
mod pieces;
mod verify;
mod walk;
mod web_seed;

pub use bencode::{BencodeError, MAX_LENGTH};
pub use create::{CreateError, EachDone, Source, hash_each, hash_file, sha256_file};
pub use edit::edit;
pub use magnet::{MagnetLink, magnet, read_magnet};
pub use make::{CREATED_BY, ContentHashes, FolderFile, FolderHashes, MetainfoRequest, Torrent, make};
pub use metainfo::{Metainfo, MetainfoFile};
pub use parse::{ParseError, parse};
pub use pieces::Progress;
pub use verify::{BadPiece, FileReport, FileState, Mismatch, Verification, verify};
pub use walk::files_below;
pub use web_seed::web_seed_address;
