"""Models: what they are, how they are built, trained, stored and fed."""
