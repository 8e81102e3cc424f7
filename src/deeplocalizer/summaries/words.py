"""Names and numbers as they are read.

plain            a name as it is read
p_text           a p-value as it is read
"""

from __future__ import annotations


def plain(name: str) -> str:
    """Turn a name of the configuration into words: ``face_detection`` reads as face detection."""
    return name.replace("_", " ")


def p_text(p: float) -> str:
    """Write a p-value with its relation: ``= 0.13``, ``= 0.012`` or ``< 0.001``."""
    if p < 0.001:
        return "< 0.001"
    return f"= {p:.2f}" if p >= 0.0995 else f"= {p:.3f}"
