"""What a study will cost, before it starts: passes, bytes and hours, from a short measurement on this machine."""
