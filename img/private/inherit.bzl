"""How an attribute of an image says "as the base has it"."""

visibility([
    "//img",
    "//img/private/...",
    "//tests/...",
])

# A string that nobody would want as a user, a folder or an argument. Drop-in users know it by its text.
INHERIT_FROM_BASE = "<inherit from base>"

def inherited_string(value):
    """What a string attribute says to the builder.

    Args:
        value: string: the attribute.

    Returns:
        string or None: None to inherit.
    """
    return None if value == INHERIT_FROM_BASE else value

def inherited_list(value):
    """What a list attribute says to the builder.

    Args:
        value: list of string: the attribute. In a longer list the builder replaces each INHERIT_FROM_BASE by what is inherited.

    Returns:
        list of string or None: None to inherit.
    """
    return None if value == [INHERIT_FROM_BASE] else value
