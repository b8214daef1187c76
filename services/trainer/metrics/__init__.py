"""What a prediction is worth, with patient-level bootstrap intervals.

Discrimination by Harrell's and Uno's C is cause-specific: an event that competes ends observation. Everything about the
probability of relapse by a time (AUC, Brier, calibration, net benefit, sensitivity) counts a patient with a competing
event as one who did not relapse, and weights by the inverse probability of not being censored.
"""
