"""The commands of `medulla`: one file each, with its options and what it prints.

A command imports what it runs when it runs, so that `medulla --help` loads none of it.
"""
