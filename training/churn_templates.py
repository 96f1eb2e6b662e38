"""Sentences composed from parts, as additional training data for the churn head.

They widen the vocabulary of churn. Nothing is measured on them.
"""

import random

from corpora import Example

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

GOING = [
    "cancelling {it}",
    "cancelled {it}",
    "canceled {it} today",
    "I am cancelling {it} tomorrow",
    "we cancelled {it}",
    "I had to cancel {it}",
    "thinking about cancelling {it}",
    "going to cancel {it}",
    "leaving {it}",
    "I'm leaving {it} today",
    "we are leaving {it} next week",
    "about to leave {it}",
    "I left {it} this morning",
    "done with {it}",
    "so done with {it}",
    "I'm done with {it}",
    "quitting {it}",
    "I quit {it}",
    "ending {it}",
    "dropping {it}",
    "I dropped {it}",
    "ditching {it}",
    "deleting {it}",
    "just deleted {it}",
    "closing {it}",
    "goodbye {it}",
    "bye bye {it}",
    "I won't need {it} anymore",
    "moving on from {it}",
    "getting rid of {it}",
    "it's over with {it}",
    "switching from {it} to something better",
    "last day with {it}",
    "no more {it} for me",
]
ASKING = [
    "how do I cancel {it}?",
    "please cancel {it} now",
    "I want to end {it}",
    "I want out of {it}",
    "who do I call to close {it}?",
    "let me out of {it}",
    "I will not renew {it}",
    "not renewing {it}",
    "never paying for {it} again",
    "never using {it} again",
    "replacing {it} with a competitor",
    "switching {it} to a competitor",
    "taking {it} to another company",
    "any alternatives to {it}?",
    "need an alternative to {it}",
    "looking to replace {it}",
    "moving {it} somewhere else",
    "if this happens again I cancel {it}",
    "one more time and {it} is gone",
    "stopped paying for {it} and moved on",
    "you are losing me, cancelling {it}",
    "former user of {it} as of today",
]
STAYING_WITH = [
    "love {it}",
    "{it} is great",
    "{it} is broken again",
    "{it} is down, please fix",
    "why is {it} so slow?",
    "so angry about {it}",
    "just renewed {it}",
    "upgrading {it} today",
    "signed up for {it} yesterday",
    "I would never cancel {it}",
    "I'm not leaving {it}, it works",
    "not cancelling {it} after all",
    "decided to keep {it}",
    "please reactivate {it}",
    "{it} was cancelled by mistake, help",
    "when does {it} renew?",
    "how much is {it}?",
    "can I pause {it} for a month?",
    "can I keep {it} when I move?",
    "charged twice for {it}",
    "worst bill ever for {it}, please explain",
    "came back to {it} and I'm happy",
    "proud user of {it} for years",
    "disappointed with {it} today",
    "waiting for someone to look at {it}",
    "{it} crashed twice this morning",
    "expensive but worth it, {it}",
    "should I buy {it}?",
    "just got {it}, first impressions are good",
    "thanks for helping with {it}",
]
SERVICES = [
    "my {thing}",
    "my {brand} {thing}",
    "our {thing}",
    "this {thing}",
    "your {thing}",
    "{brand}",
    "@user",
    "my account with {brand}",
    "the {brand} app",
    "this company",
    "this service",
    "your company",
    "my contract with @user",
    "all my {brand} lines",
    "my {brand} account",
    "this provider",
    "this bank",
    "my premium membership",
]
OTHER_THINGS = (
    "the party|work|home|school|the house|the office|London|the city|the stadium|my flight|the meeting|dinner|our date|the concert|"
    "my appointment|the trip|the picnic|exams|homework|this week|monday|winter|this weather|smoking|sugar|coffee|my job|old photos|"
    "my old tweets|her number|the tabs|the window|the road|the shop on the corner|the band|the team|the club|the race|summer|2023|"
    "grandma at the airport|my friends|everyone|the drama|my diet|the gym visit today|tonight's plans|all plans|the class|this book|"
    "this season of the show|that movie|the fight early|the game at half time|traffic|my essay|the debt|the show|the election|the bill"
).split("|")
BEFORE = "ugh|wow|ok|well|honestly|finally|that's it,|lol|so|guess what,|today:|yep,|sorry but|it's official:|after all these years".split("|")
AFTER = (
    "lol|😡|😭|😂|...|!!|!|smh|today|this week|for good|it's time|and I feel great|what a day|what a joke|enough is enough|too expensive|"
    "so tired|can't wait|it was terrible|because of the rain|because nothing works|after the price increase|finally|👋|✌️|worst ever"
).split("|")


def filled(rng: random.Random, n_per_template: int = 20) -> list[Example]:
    """Returns template sentences with brands, things and numbers filled in."""
    examples = []
    for templates, label in ((LEAVING, 1.0), (STAYING, 0.0)):
        for template in templates * n_per_template:
            brand, other = rng.sample(BRANDS, 2)
            text = template.format(
                brand=rng.choice([brand, "@user", brand.capitalize()]),
                other=rng.choice([other, other.capitalize()]),
                thing=rng.choice(THINGS),
                n=rng.randint(2, 12),
            )
            tail = rng.choice(["", "", ".", "!", " smh", " 😡", "!!"])
            examples.append(Example(text + tail, churn=label, source="churn-template", weight=0.4))
    return examples


def composed(rng: random.Random, n_each: int = 2000) -> list[Example]:
    """Returns sentences composed from parts: leaving a service, and leaving a party, with the same verbs.

    Both classes share verbs and endings, so that only the object decides.
    """
    examples = []
    for leaving, patterns, objects in (
        (1.0, GOING + ASKING, SERVICES),
        (0.0, GOING, OTHER_THINGS),
        (0.0, STAYING_WITH, SERVICES),
    ):
        for _ in range(n_each if leaving else n_each * 2 // 3):
            thing = rng.choice(objects).format(thing=rng.choice(THINGS), brand=rng.choice(BRANDS))
            text = rng.choice(patterns).format(it=thing)
            parts = [rng.choice(BEFORE) if rng.random() < 0.4 else "", text, rng.choice(AFTER) if rng.random() < 0.5 else ""]
            if rng.random() < 0.2:
                parts.insert(0, "@user")
            examples.append(Example(" ".join(filter(None, parts)), churn=leaving, source="churn-composed", weight=0.3))
    # A beginning or an ending alone does not express churn.
    for _ in range(n_each // 8):
        text = " ".join([*rng.sample(BEFORE, rng.randint(0, 1)), *rng.sample(AFTER, rng.randint(1, 2))])
        examples.append(Example(text, churn=0.0, source="churn-composed", weight=0.3))
    return examples
