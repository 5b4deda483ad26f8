"""How somebody is called."""


def polite(name):
    """The name as it is written in letters."""
    return name.title()
