"""A fuzzer: random estimators on random data either give right results or say what is wrong."""
