//! Who looks over the pass's shoulder: the one that writes the document anew while it is read.
//!
//! A watcher sees every piece of the document that the pass has understood, in order and as the pass has
//! understood it; what it is not shown, the pass has passed over. It changes nothing of what is read.

use crate::feed::tag::Tag;
use crate::model::Role;

/// Pieces that are no element.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::feed) enum Piece {
    /// Characters and references.
    Text,
    CData,
    Comment,
    Instruction,
}

/// An element that begins.
#[derive(Clone, Copy)]
pub(in crate::feed) struct Opened<'a> {
    /// From `<` on, as it stands.
    pub(in crate::feed) raw: &'a str,
    /// What the pass has read of it.
    pub(in crate::feed) tag: Tag<'a>,
    /// Without content.
    pub(in crate::feed) empty: bool,
    /// Whether `tag` is less than `raw` says.
    pub(in crate::feed) damaged: bool,
    pub(in crate::feed) is_item: bool,
    pub(in crate::feed) is_root: bool,
}

/// What the pass makes of the element that is about to begin.
#[derive(Debug, Clone, Copy)]
pub(in crate::feed) enum Remark<'r> {
    /// It announces this file of the innermost item.
    Announces(Role, &'r str),
    /// It gives the feed's own address.
    IsSelfLink,
    /// What it says holds for the feed at the publisher's address only: where it has moved, who tells of
    /// changes.
    IsForHomeOnly,
}

/// What is told of a walk; nothing is to be answered.
pub(in crate::feed) trait Watch<'a> {
    /// A piece that is no element, as it stands.
    fn piece(&mut self, _piece: Piece, _raw: &'a str) {}
    /// Comes before [`Watch::open`].
    fn remark(&mut self, _remark: Remark<'_>) {}
    /// An element begins.
    fn open(&mut self, _opened: Opened<'a>) {}
    /// The innermost element ends; `raw` is its end tag, or nothing where there is none.
    fn close(&mut self, _raw: &'a str) {}
}

/// Nobody.
impl Watch<'_> for () {}
