"""Mutation testing: how many small changes of the code do its tests notice?

DeMillo, Lipton and Sayward, "Hints on test data selection" (1978). A mutant is the
code with one token or expression changed; it is killed when a test fails, crashes or
runs for too long. Each one is tested in a process forked from one that has numpy and
pytest imported already, which takes a second where a fresh process takes five, and lets
one tool serve Python and C.
"""
