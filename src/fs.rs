//! Ground: the only place that creates files and gives them names.
