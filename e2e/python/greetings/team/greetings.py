"""How somebody is greeted."""


def greet(words, name):
    """The words and the name."""
    return f"{words}, {name}"
