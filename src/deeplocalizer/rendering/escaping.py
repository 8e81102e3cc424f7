"""Text as Markdown that shows every character of it."""

import string


def escape(text: str) -> str:
    """Escape text so that Markdown shows every character of it."""
    return "".join(f"\\{character}" if character in string.punctuation else character for character in text)
