"""Chat prompts, answered without a chain of thought: greetings, who are you, words, facts.

Graded as text: the gold holds every answer that counts, separated by ` ||| `. The skeleton is the
statement's words, so held-out prompts ask about the known world in words not seen before.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from typing import Final

from factory.collect.procedural.arithmetic_stories import NAMES
from factory.collect.procedural.chat_world import (
    CAPITALS,
    COLOURS,
    DAYS,
    LANGUAGES,
    NUMBER_WORDS,
    OPPOSITES,
    PLURALS,
    SOUNDS,
)
from factory.collect.procedural.splits import Drawn

_OFTEN: Final = ("", "Please tell me: ", "Quick question: ", "Hi! ", "A question: ", "Tell me, ")
_ALTERNATIVES: Final = " ||| "


def draw(rng: random.Random) -> Drawn:
    """One prompt; the same generator state gives the same prompt."""
    kinds: list[Callable[[random.Random], tuple[str, list[str]]]]
    kinds = [_translation, _fact, _greeting, _identity]
    make = rng.choices(kinds, weights=[50, 35, 10, 5])[0]
    statement, answers = make(rng)
    return Drawn(
        skeleton=" ".join(re.findall(r"\w+", statement.casefold())),
        statement=statement,
        gold=_ALTERNATIVES.join(answers),
        category=make.__name__.strip("_"),
        level="",
        solution=answers[0],
        trace=lambda rng: rng.choice(answers),
    )


def _translation(rng: random.Random) -> tuple[str, list[str]]:
    language = rng.choice(LANGUAGES)
    place = LANGUAGES.index(language)
    number, thing = rng.choice(list(NUMBER_WORDS)), rng.choice(list(PLURALS))
    english = rng.choice([number, thing, f"{number} {thing}", f"{number} {thing}"])
    words = {**NUMBER_WORDS, **PLURALS}
    answer = " ".join(words[word][place] for word in english.split())
    ask = rng.choice(
        [
            "Translate '{e}' into {l}.",
            "How do you say '{e}' in {l}?",
            "What is '{e}' in {l}?",
            "'{e}' in {l}, please.",
            "Say '{e}' in {l}.",
            "Write '{e}' in {l}.",
        ]
    )
    return rng.choice(_OFTEN[:4]) + ask.format(e=english, l=language), [answer]


def _fact(rng: random.Random) -> tuple[str, list[str]]:
    kind = rng.choice(["capital", "sound", "opposite", "day", "day", "colour"])
    if kind == "capital":
        country, city = rng.choice(list(CAPITALS.items()))
        asks = [
            "What is the capital of {k}?",
            "Which city is the capital of {k}?",
            "Capital of {k}?",
        ]
        answers = [f"{city}.", f"The capital of {country} is {city}."]
        question = rng.choice(asks).format(k=country)
    elif kind == "sound":
        animal, sound = rng.choice(list(SOUNDS.items()))
        asks = [
            "What sound does a {k} make?",
            "What does a {k} do: bark, meow, moo, quack or roar?",
        ]
        question, answers = rng.choice(asks).format(k=animal), [f"A {animal} can {sound}."]
    elif kind == "opposite":
        word, other = rng.choice([pair for one in OPPOSITES.items() for pair in (one, one[::-1])])
        asks = [
            "What is the opposite of {k}?",
            "Opposite of {k}?",
            "Which word is opposite to {k}?",
        ]
        question, answers = rng.choice(asks).format(k=word), [f"The opposite of {word} is {other}."]
    elif kind == "day":
        place, (word, shift) = rng.randrange(7), rng.choice([("after", 1), ("before", -1)])
        asks = ["Which day comes {w} {k}?", "What day is {w} {k}?", "Name the day {w} {k}."]
        question = rng.choice(asks).format(w=word, k=DAYS[place])
        answers = [f"{DAYS[(place + shift) % 7]} comes {word} {DAYS[place]}."]
    else:
        thing, colour = rng.choice(list(COLOURS.items()))
        asks = ["What colour is {k}?", "Which colour does {k} have?", "Name the colour of {k}."]
        question, answers = rng.choice(asks).format(k=thing), [f"It is {colour}."]
    return rng.choice(_OFTEN) + question, answers


def _greeting(rng: random.Random) -> tuple[str, list[str]]:
    name = rng.choice(NAMES)
    greeting = rng.choice(["Hello", "Hi", "Good morning", "Good evening", "Hey", "Hi there"])
    told = rng.choice(["I am {n}", "my name is {n}", "this is {n}", "{n} here", "it is me, {n}"])
    answers = [f"Hello {name}, how can I help you?"]
    return f"{greeting}, {told.format(n=name)}" + rng.choice([".", "!"]), answers


def _identity(rng: random.Random) -> tuple[str, list[str]]:
    greeting = rng.choice(["", "Hello! ", "Hi! ", "Hey, ", "Please tell me: ", "Quick question: "])
    asks = ["who are you?", "what are you?", "what is your name?", "who am I talking to?"]
    answers = ["I am a small teaching model made by Retort."]
    return greeting + rng.choice(asks), answers
