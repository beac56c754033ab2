"""Training several levels at once: the model, losses, mask schedules, batches."""
