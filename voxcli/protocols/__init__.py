"""Wire languages, one file each: pure, no I/O."""
