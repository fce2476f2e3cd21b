//! Bencode (BEP 3), written from its beginning to its end.
//!
//! A tree of values, as `lava_torrent` encodes it, takes some ten times the memory of what is written, and a copy of each
//! value on top. Who writes gives the keys of a dictionary in their order, each once.

/// A bencoded document as far as it is written.
#[derive(Default)]
pub(super) struct Writer(Vec<u8>);

impl Writer {
    /// A string, be it text or not.
    pub(super) fn bytes(&mut self, bytes: impl AsRef<[u8]>) {
        let bytes = bytes.as_ref();
        self.0.extend(bytes.len().to_string().into_bytes());
        self.0.push(b':');
        self.0.extend_from_slice(bytes);
    }

    /// A number. No file is longer than an `i64` can tell.
    pub(super) fn integer(&mut self, number: impl TryInto<i64>) {
        let number = number.try_into().unwrap_or(i64::MAX);
        self.0.extend(format!("i{number}e").into_bytes());
    }

    /// A list of what `members` writes.
    pub(super) fn list(&mut self, members: impl FnOnce(&mut Self)) {
        self.0.push(b'l');
        members(self);
        self.0.push(b'e');
    }

    /// A dictionary of the keys and values that `entries` writes.
    pub(super) fn dictionary(&mut self, entries: impl FnOnce(&mut Self)) {
        self.0.push(b'd');
        entries(self);
        self.0.push(b'e');
    }

    /// A value that is bencoded already.
    pub(super) fn encoded(&mut self, value: &[u8]) {
        self.0.extend_from_slice(value);
    }

    /// How much there is.
    pub(super) fn length(&self) -> usize {
        self.0.len()
    }

    /// All of it.
    pub(super) fn finish(self) -> Vec<u8> {
        self.0
    }
}

/// What `write` writes, by itself.
pub(super) fn written(write: impl FnOnce(&mut Writer)) -> Vec<u8> {
    let mut writer = Writer::default();
    write(&mut writer);
    writer.finish()
}
