"""How plain values are written: numbers, containers, arrays, dates, pandas."""
