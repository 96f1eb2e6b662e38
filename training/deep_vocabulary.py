"""Writes the deep model's `tokenizer.json`: MiniLM's word pieces behind the normalisation that posts need.

As with swift, everything that is done to a text is inside that file, so Rust and
Python agree by construction. MiniLM knows no emoji and no masked mentions: they
get the vocabulary's unused places, and begin as the mean of the words that
describe them. The file adds no special tokens; the network puts `[CLS]` in front.
"""

import json
import unicodedata
from collections import Counter
from pathlib import Path

from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers

from vocabulary import ELONGATION, STAND_INS, USER

UNKNOWN = "[UNK]"
# Word pieces of longer words cost more than they tell; Chinese and Japanese come one character at a time anyway.
N_CHARACTERS_PER_WORD_MAX = 60
PIECES = rf"{USER}|[\p{{L}}\p{{M}}\p{{N}}]+|[^\s\p{{L}}\p{{M}}\p{{N}}]"
EMOJI = (*range(0x2600, 0x27C0), *range(0x1F1E6, 0x1F200), *range(0x1F300, 0x1F3FB), *range(0x1F400, 0x1F650), *range(0x1F680, 0x1F6D6), *range(0x1F90C, 0x1FA00))


def normalizer() -> normalizers.Normalizer:
    return normalizers.Sequence(
        [
            normalizers.NFKC(),
            # Variation selectors, joiners and skin tones would split one emoji into many spellings.
            normalizers.Replace(Regex("[\ufe00-\ufe0f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff\u0000\U0001f3fb-\U0001f3ff]"), ""),
            normalizers.BertNormalizer(clean_text=True, handle_chinese_chars=True, strip_accents=True, lowercase=True),
            *STAND_INS,
            normalizers.Replace(Regex("&quot;|[“”]"), '"'),
            normalizers.Replace(Regex("[’‘`´]|&#0?39;"), "'"),
            normalizers.Replace(Regex(ELONGATION), ""),
        ]
    )


def extended(published: Path, texts: list[str]) -> tuple[Tokenizer, dict[int, list[int]]]:
    """The tokenizer, and for each id that is new the ids of the word pieces that describe it.

    Emoji of the texts come first, by how many texts hold them; what room is left goes to others, so
    that one which training never saw still means what its name says.
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
