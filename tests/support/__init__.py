"""What several tests need: fonts, models and checkpoints made for them, and where things lie."""
