"""The report of a search: one page with its pictures, tables and code."""
