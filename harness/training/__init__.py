"""Training: data on the device, augmentation there, the head, the loop, checkpoints, and the stages around them."""
