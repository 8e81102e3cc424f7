"""The workflow under conda: a channel of what is installed here, a stand-in for conda, and who imported what."""
