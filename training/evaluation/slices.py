"""Kinds of text on which a model may be worse than on average."""

import re
from collections.abc import Callable

EMOJI = re.compile("[\U0001f300-\U0001faff\u2600-\u27bf\u2b50\u2764]")
NEGATION = re.compile(r"\b(?:not|no|never|none|nothing|nobody|neither|nor|without|cannot|\w+n['’]?t)\b", re.IGNORECASE)
OTHER_SCRIPT = re.compile("[\u0370-\u1fff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")
CONTRAST = re.compile(r"\b(?:but|however|although|though|yet|despite)\b", re.IGNORECASE)
SARCASM = re.compile(r"#sarcas|#irony|#not\b|/s\b|\byeah right\b|\boh great\b", re.IGNORECASE)

SLICES: dict[str, Callable[[str], bool]] = {
    "at most 8 words": lambda text: len(text.split()) <= 8,
    "9 to 20 words": lambda text: 9 <= len(text.split()) <= 20,
    "over 20 words": lambda text: len(text.split()) > 20,
    "with emoji": lambda text: bool(EMOJI.search(text)),
    "with negation": lambda text: bool(NEGATION.search(text)),
    "with contrast (but, though, …)": lambda text: bool(CONTRAST.search(text)),
    "question": lambda text: "?" in text,
    "with a hashtag": lambda text: "#" in text,
    "with a link": lambda text: "http" in text,
    "non-Latin script": lambda text: bool(OTHER_SCRIPT.search(text)),
    "marked as sarcasm or irony": lambda text: bool(SARCASM.search(text)),
}
