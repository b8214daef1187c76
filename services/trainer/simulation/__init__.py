"""SIMULATED cohorts: patients that never lived, with frequencies, effects and times as published tables have them."""
