"""Training: images, augmentation, steps, checkpoints, and the directory of a run."""
