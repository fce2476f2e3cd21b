//! Ground: piece hashes (BEP 3) and merkle trees (BEP 52), made while bytes stream by.
