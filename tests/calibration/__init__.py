"""Simulations that show what intervals and p-values are worth, with their Monte-Carlo errors.

Each module has `main`, which gives the rows of its table; `python -m tests.calibration` prints them.
"""
