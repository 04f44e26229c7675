"""What is fast, what it costs and how good it is: small measurements with one table each.

``python -m tests.benchmarks NAME --help`` says what a benchmark measures; without a
name all of them run, peers and outside data only as far as they are there.
"""
