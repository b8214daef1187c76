"""Groups files into slides, by the same rules for bucket, folder and command line."""
