//! The file name of an enclosure, which is also `name` in its info dictionary: the recipe of DESIGN.md, "Torrents".
