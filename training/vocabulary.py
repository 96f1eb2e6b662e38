"""Learns the subword vocabulary and writes `tokenizer.json`.

The normaliser and pre-tokeniser in that file do all text cleaning. Rust reads the
same file, so both sides agree by construction.
"""

from pathlib import Path

from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, trainers

PAD, UNKNOWN, URL, USER = "[PAD]", "[UNK]", "http", "@user"

# Shortens runs of three or more of the same character to two. The replacement
# text cannot refer to a group, so this matches the surplus, which is removed.
ELONGATION = r"([^\d])\1*(?=\1\1)"

# Repetitions are bounded, because unbounded ones take quadratic time on malicious texts.
EMOTICON = (
    r"[<>]?[:;=8x][\-o*'^]?[)(\]\[dp/\\|@3*>]{1,3}(?![\p{L}\p{N}])|<3{1,3}"
    r"|[)(\]\[/\\|]{1,3}[\-o*'^]?[:;=]|\^[_.]?\^|-_{1,3}-|t_t|o_o"
)
WORD = r"[\p{L}\p{M}]+(?:'[\p{L}\p{M}]+)*"
PIECES = rf"@user|{EMOTICON}|{WORD}|\p{{N}}+|!\?|\?!|([!?.])\1|[^\s\p{{L}}\p{{M}}\p{{N}}]"

# Only the presence of links and mentions is useful. Part of both models' normalisers.
STAND_INS = [
    normalizers.Replace(Regex(r"https?(?:://\S*)?(?!\w)|www\.\S+"), f" {URL} "),
    normalizers.Replace(Regex(r"(?<![\w@])@\w+"), f" {USER} "),
    normalizers.Replace("&amp;", "&"),
    normalizers.Replace("&lt;", "<"),
    normalizers.Replace("&gt;", ">"),
]


def untrained(model: models.Model) -> Tokenizer:
    tokenizer = Tokenizer(model)
    tokenizer.normalizer = normalizers.Sequence(
        [
            normalizers.NFKC(),
            normalizers.Lowercase(),
            *STAND_INS,
            normalizers.Replace(Regex("[’‘`´]|&#0?39;"), "'"),
            # Without variation selectors and joiners, each emoji has a single spelling.
            normalizers.Replace(Regex("[\ufe00-\ufe0f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff\u0000]"), ""),
            normalizers.Replace(Regex(ELONGATION), ""),
        ]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex(PIECES), behavior="removed", invert=True)
    return tokenizer


def learn(texts: list[str], words: list[str], n_tokens: int) -> Tokenizer:
    tokenizer = untrained(models.BPE(unk_token=UNKNOWN, fuse_unk=True))
    trainer = trainers.BpeTrainer(
        vocab_size=n_tokens,
        min_frequency=3,
        special_tokens=[PAD, UNKNOWN],
        limit_alphabet=1200,
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts + words * 4, trainer)
    return tokenizer


def write(tokenizer: Tokenizer, path: Path) -> None:
    tokenizer.save(str(path), pretty=False)
