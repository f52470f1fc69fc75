"""Where the tasks of a search run: workers of joblib on this machine, of dask or of ray on many."""
