"""Labels for churn intent: a small seed written by hand, variations of it, and weak rules.

No adequate public set exists, so this is the whole evidence. The held-out part
of the seed is chosen by a hash of the text: it never enters training, and
variations are made from the training part only.
"""

import csv
import hashlib
import random
import re
from pathlib import Path

from corpora import Example

SEED = Path(__file__).parent / "churn" / "seed.tsv"
HELD_OUT_SHARE = 0.3

BRANDS = (
    "netflix spotify comcast verizon vodafone att tmobile sprint hulu disney sky bt virgin amazon apple samsung xbox "
    "playstation adobe microsoft google uber lyft delta ryanair easyjet hilton airbnb paypal chase barclays revolut "
    "dropbox slack zoom salesforce hubspot shopify planetfitness audible dish telstra optus orange"
).split()

THINGS = "subscription account membership contract plan service policy premium trial phone insurance internet gym".split()

LEAVING = [
    "cancelling my {brand} {thing}",
    "just cancelled my {thing} with {brand}",
    "I want to cancel my {thing}",
    "I will cancel my {thing} with {brand} if this happens again",
    "closing my {brand} account",
    "deleting my {brand} account, had enough",
    "switching from {brand} to {other}",
    "switching to {other}, {brand} is a joke",
    "leaving {brand} for {other}",
    "I'm leaving {brand} after {n} years",
    "done with {brand}",
    "so done with {brand} and their {thing}",
    "{brand} just lost a customer",
    "{brand} lost me, going with {other}",
    "never using {brand} again",
    "never buying {brand} again",
    "goodbye {brand}, hello {other}",
    "bye {brand}, your {thing} is not worth it",
    "not renewing my {brand} {thing}",
    "how do I cancel my {thing}? can't find it anywhere",
    "any alternatives to {brand}? I want out",
    "thinking about ditching {brand} for {other}",
    "taking my business to {other}",
    "{n} outages this week, I'm out {brand}",
    "about to switch to {other}, {brand} can't fix anything",
    "moved to {other} because {brand} support never answers",
    "third time {brand} fails me. I'm done, cancelling the {thing}",
    "I cancelled {brand} last week, no regrets",
    "finally got rid of {brand}",
    "time to get rid of my {brand} {thing}",
    "uninstalling {brand}",
    "uninstalled the {brand} app",
    "unsubscribing from {brand} today",
    "{brand} you won't get another cent from me",
    "not paying {brand} for another month of this",
    "I am going to a competitor, {brand}",
    "your competitors treat me better {brand}, I'm going",
    "why am I still with {brand}? time to go",
    "our team is moving away from {brand}",
    "we are replacing {brand} with {other} next month",
    "my {thing} ends in {n} weeks and then I'm gone",
    "I won't renew, {brand} is too expensive",
    "can anyone recommend something better than {brand}?",
    "looking to replace my {thing}, {brand} is hopeless",
    "{brand} refuses to cancel my {thing}, I have asked {n} times",
    "last order I will ever place with {brand}",
    "I'm done paying for {thing} that never works",
    "{brand} is dead to me",
    "{n} years with {brand} and now I quit",
    "if {brand} doesn't fix my {thing} I'm leaving",
    "one more price rise and I leave {brand}",
    "customer for {n} years, leaving today",
    "great job {brand}, now I'm a {other} customer",
    "cut the cord, no more {brand}",
    "I want out of my {brand} {thing}",
    "closing everything I have with {brand}",
    "won't be back {brand}",
]

STAYING = [
    "{brand} is down again, please fix it",
    "my {brand} {thing} keeps failing",
    "how do I upgrade my {thing} with {brand}?",
    "just signed up for {brand}, love it",
    "switched from {other} to {brand} and it is so much better",
    "happy with my {brand} {thing}",
    "renewed my {brand} {thing} for {n} years",
    "{brand} cancelled my order, why?",
    "{brand} cancelled my favourite show",
    "{brand} vs {other}, which is better?",
    "waiting {n} hours for {brand} support",
    "thanks {brand} for fixing my {thing} so quickly",
    "{brand} raised the price of the {thing} again",
    "I will not cancel my {brand} {thing}",
    "please reactivate my {brand} {thing}",
    "{brand} shares fall as {n} thousand customers leave",
    "watching {brand} tonight",
    "leaving the {brand} store now",
    "switching on the {brand} tv for the fight",
    "I work at {brand} and my last day is friday",
    "{brand} ends talks with {other}",
    "cancelled my plans, {brand} and pizza tonight",
    "{brand} please call me about my {thing}",
    "charged twice for my {brand} {thing}, refund please",
    "I'm out with friends, will call {brand} later",
    "done with my {brand} order, can't wait",
    "they cancelled my train, again {n} hours late",
    "my flight with {brand} was cancelled",
    "leaving work now, {brand} on the way home",
    "he is leaving the team after {n} years",
    "switching to tea this month",
    "never drinking {brand} again lol",
    "never going to forget that night",
    "done with school for today",
    "goodbye summer",
    "bye, see you in {n} days",
    "the show was cancelled after {n} seasons",
    "cancelled my appointment for tomorrow",
    "looking for a restaurant near the {brand} office",
    "I lost my {brand} card, what now?",
    "moving to a new flat, how do I take my {thing} along?",
    "{brand} how do I return a wrong size?",
    "what is included in the {brand} {thing}?",
    "not leaving {brand}, they fixed it",
    "glad I stayed with {brand}",
    "deleting old photos to make room for the {brand} app",
    "out for a run with my {brand}",
    "knocked out in round {n}",
    "best {thing} I ever had, thanks {brand}",
    "{brand} quality is getting worse",
    "the {brand} stream is terrible tonight",
    "{brand} app crashed {n} times today",
    "so angry at {brand} right now",
    "{brand} support is useless, fix my {thing}",
    "try {brand} for free, cancel anytime",
    "leave {brand} and join us: {n} months free",
]

STRONG = [
    r"\b(cancel(?:l?ing|l?ed)?|clos(?:e|ing|ed)|delet(?:e|ing|ed)|terminat(?:e|ing|ed)|end(?:ing|ed)?) (?:my|our|the) "
    r"(?:\S+ )?(?:subscription|account|membership|contract|service|plan|policy)\b",
    r"\b(?:switch(?:ing|ed)?|mov(?:e|ing|ed)) (?:over )?to (?:another|a different|a new|a better) "
    r"(?:provider|carrier|company|bank|network|service|airline)\b",
    r"\b(?:never|not) (?:flying|ordering|buying|shopping|using|renewing|staying)\b.*\b(?:again|anymore)\b",
    r"\b(?:lost|losing) (?:a|another|your|me as a) (?:loyal )?customer\b",
    r"\btak(?:e|ing) my business elsewhere\b",
]
DENIED = re.compile(r"\b(?:not|never|don't|won't|didn't|please|by mistake)\b[^.]{0,20}\b(?:cancel|close|delet|terminat)", re.I)
ANY_CUE = re.compile(
    r"cancel|unsubscri|switch|leaving|\bleave|alternativ|goodbye|\bbye\b|never again|i'm out|done with|renew|elsewhere|delet|customer",
    re.I,
)
STRONG_RE = re.compile("|".join(STRONG), re.I)


def seed() -> tuple[list[Example], list[Example]]:
    """The seed as (training part, held-out part)."""
    parts: tuple[list[Example], list[Example]] = ([], [])
    with open(SEED, encoding="utf-8", newline="") as table:
        for row in csv.DictReader(table, delimiter="\t", quoting=csv.QUOTE_NONE):
            share = int(hashlib.sha256(row["text"].encode()).hexdigest()[:8], 16) / 0x100000000
            example = Example(row["text"], churn=float(row["label"]), source="churn-seed", weight=2.0)
            parts[share < HELD_OUT_SHARE].append(example)
    return parts


def variations(train: list[Example], rng: random.Random, n_per_template: int = 20) -> list[Example]:
    """Templates filled with brands, and seed rows with a brand for the mention and words left out."""
    examples = []
    for templates, label in ((LEAVING, 1.0), (STAYING, 0.0)):
        for template in templates:
            for _ in range(n_per_template):
                brand, other = rng.sample(BRANDS, 2)
                text = template.format(
                    brand=rng.choice([brand, "@user", brand.capitalize()]),
                    other=rng.choice([other, other.capitalize()]),
                    thing=rng.choice(THINGS),
                    n=rng.randint(2, 12),
                )
                examples.append(Example(text + rng.choice(["", "", ".", "!", " smh", " 😡", "!!"]), churn=label, source="churn-template", weight=0.6))
    for example in train:
        for _ in range(6):
            words = [word for word in example.text.split() if rng.random() > 0.15]
            text = " ".join(rng.choice(BRANDS) if word == "@user" else word for word in words)
            examples.append(Example(text, churn=example.churn, source="churn-variation", weight=0.7))
    return examples


def weakly_label(examples: list[Example]) -> int:
    """Marks examples of other sets: a strong phrase is leaving, a text with no cue at all is not.

    A text with a cue and no strong phrase stays unlabelled. Returns how many became positive.
    """
    n_positive = 0
    for example in examples:
        if example.churn is not None:
            continue
        if STRONG_RE.search(example.text) and not DENIED.search(example.text):
            example.churn = 0.85
            n_positive += 1
        elif not ANY_CUE.search(example.text):
            example.churn = 0.0
    return n_positive
