"""Writes the deep model's `tokenizer.json`: MiniLM's word pieces with normalisation for social posts.

As with swift, that file contains all preprocessing, so Rust and Python agree by
construction. MiniLM has no tokens for emoji and masked mentions: they take the
vocabulary's unused entries and are initialised with the mean of the words that
describe them. The file adds no special tokens; the network prepends `[CLS]`.
"""

import json
import unicodedata
from collections import Counter
from pathlib import Path

from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers

from vocabulary import ELONGATION, STAND_INS, USER

UNKNOWN = "[UNK]"
# Splitting longer words into pieces costs more than it contributes. Chinese and Japanese are split into characters anyway.
N_CHARACTERS_PER_WORD_MAX = 60
PIECES = rf"{USER}|[\p{{L}}\p{{M}}\p{{N}}]+|[^\s\p{{L}}\p{{M}}\p{{N}}]"
EMOJI = (*range(0x2600, 0x27C0), *range(0x1F1E6, 0x1F200), *range(0x1F300, 0x1F3FB), *range(0x1F400, 0x1F650), *range(0x1F680, 0x1F6D6), *range(0x1F90C, 0x1FA00))


def normalizer() -> normalizers.Normalizer:
    return normalizers.Sequence(
        [
            normalizers.NFKC(),
            # Without variation selectors, joiners and skin tones, each emoji has a single spelling.
            normalizers.Replace(Regex("[\ufe00-\ufe0f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff\u0000\U0001f3fb-\U0001f3ff]"), ""),
            normalizers.BertNormalizer(clean_text=True, handle_chinese_chars=True, strip_accents=True, lowercase=True),
            *STAND_INS,
            normalizers.Replace(Regex("&quot;|[“”]"), '"'),
            normalizers.Replace(Regex("[’‘`´]|&#0?39;"), "'"),
            normalizers.Replace(Regex(ELONGATION), ""),
        ]
    )


def extended(published: Path, texts: list[str]) -> tuple[Tokenizer, dict[int, list[int]]]:
    """Returns the tokenizer, and for each new id the ids of the word pieces that describe it.

    Emoji in the texts come first, ordered by the number of texts that contain them. The remaining
    entries go to other emoji, so that even those unseen in training mean what their name says.
    """
    vocabulary = json.loads(published.read_text(encoding="utf-8"))["model"]["vocab"]
    count = Counter(letter for text in texts for letter in set(text))
    named = [letter for letter in map(chr, EMOJI) if unicodedata.name(letter, "") and letter not in vocabulary]
    named.sort(key=lambda letter: -count[letter])
    descriptions = {USER: "@ user"} | {letter: unicodedata.name(letter).lower() for letter in named}
    free = sorted(i for token, i in vocabulary.items() if token.startswith("[unused"))
    plain = build({token: i for token, i in vocabulary.items() if not token.startswith("[unused")})
    tokens, meaning = {i: token for token, i in vocabulary.items()}, {}
    for i, (token, description) in zip(free, descriptions.items()):
        tokens[i] = token
        meaning[i] = plain.encode(description, add_special_tokens=False).ids
    return build({token: i for i, token in tokens.items()}), meaning


def build(vocabulary: dict[str, int]) -> Tokenizer:
    pieces = models.WordPiece(vocabulary, unk_token=UNKNOWN, max_input_chars_per_word=N_CHARACTERS_PER_WORD_MAX)
    tokenizer = Tokenizer(pieces)
    tokenizer.normalizer = normalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex(PIECES), behavior="removed", invert=True)
    return tokenizer
