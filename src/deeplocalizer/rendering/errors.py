"""The one error of the report."""


class RenderError(Exception):
    """A report cannot be rendered; the message names the document and the place in it."""
