"""Training: pictures, augmentation, the loop, and the run that shows all of it."""
