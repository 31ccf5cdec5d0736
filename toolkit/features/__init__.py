"""Audio features: one specification drives numpy, calibration, training and the generated C."""
