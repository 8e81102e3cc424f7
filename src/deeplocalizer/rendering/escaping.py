"""Text as Markdown that shows every character of it, and is nothing but text.

escape           text with each mark escaped
inert            text without what Quarto takes for a command, wherever it stands
"""

import re
import string

JOINER = "\N{WORD JOINER}"  # takes no room and is not seen
_COMMAND = re.compile(r"\{(?=\{<|\w+\}|#)|:(?=::)|@(?=(?:fig|tbl|sec|eq)-)|(?<!\S)#(?=\|)")


def escape(text: str) -> str:
    """Escape text so that Markdown shows every character of it."""
    return "".join(f"\\{character}" if character in string.punctuation else character for character in inert(text))


def inert(text: str) -> str:
    """Part what begins a shortcode, inline code, a div or a reference by a joiner that nobody sees.

    Quarto looks for shortcodes in code, too: one shows a variable of the environment, another a file. And a page that
    shows such a beginning is refused as incomplete (`leaks`), whoever wrote it.
    """
    return _COMMAND.sub(rf"\g<0>{JOINER}", text)
