"""The small closed world that chat prompts ask about: facts, words and their translations."""

from __future__ import annotations

from typing import Final

CAPITALS: Final = {
    "France": "Paris",
    "Spain": "Madrid",
    "Italy": "Rome",
    "Germany": "Berlin",
    "Japan": "Tokyo",
    "Egypt": "Cairo",
    "Peru": "Lima",
    "Norway": "Oslo",
    "Greece": "Athens",
    "Poland": "Warsaw",
    "Kenya": "Nairobi",
    "Cuba": "Havana",
    "Chile": "Santiago",
    "Portugal": "Lisbon",
}
SOUNDS: Final = {"dog": "bark", "cat": "meow", "cow": "moo", "duck": "quack", "lion": "roar"}
OPPOSITES: Final = {
    "hot": "cold",
    "big": "small",
    "fast": "slow",
    "old": "new",
    "high": "low",
    "open": "closed",
    "full": "empty",
    "light": "dark",
}
DAYS: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
COLOURS: Final = {"grass": "green", "snow": "white", "the sky": "blue", "a lemon": "yellow"}
LANGUAGES: Final = ("French", "German", "Spanish")
NUMBER_WORDS: Final = {
    "two": ("deux", "zwei", "dos"),
    "three": ("trois", "drei", "tres"),
    "four": ("quatre", "vier", "cuatro"),
    "five": ("cinq", "fünf", "cinco"),
    "six": ("six", "sechs", "seis"),
    "ten": ("dix", "zehn", "diez"),
}
PLURALS: Final = {
    "dogs": ("chiens", "Hunde", "perros"),
    "cats": ("chats", "Katzen", "gatos"),
    "books": ("livres", "Bücher", "libros"),
    "tables": ("tables", "Tische", "mesas"),
    "apples": ("pommes", "Äpfel", "manzanas"),
    "houses": ("maisons", "Häuser", "casas"),
    "birds": ("oiseaux", "Vögel", "pájaros"),
    "trees": ("arbres", "Bäume", "árboles"),
    "days": ("jours", "Tage", "días"),
    "boats": ("bateaux", "Boote", "barcos"),
}
"""Each in the order of `LANGUAGES`; after a number the plural needs no agreement."""
