"""The SIMULATED bundle of the demo: a small cohort, ridge Cox models and attention fitted without torch."""
