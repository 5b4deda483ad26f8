"""Names of groups: a Label, or a string that is not empty. The two never equal each other."""

visibility("//runfiles_group/...")

def check_group_name(what, name):
    """Fails unless `name` may name a group.

    Args:
      what: what is checked, for the message.
      name: the name.
    """
    if type(name) == "Label":
        return
    if type(name) != "string":
        fail("%s: expected a Label or a string, got %s" % (what, type(name)))
    if not name:
        fail("%s: the string is empty" % what)

def name_str(name_or_entry):
    """Renders a name, or the name of an entry.

    Args:
      name_or_entry: Label, string or entry.

    Returns:
      string.
    """
    name = name_or_entry
    if type(name) == "struct":
        name = name.name
    check_group_name("name_str", name)
    return str(name)

def name_key(name):
    """The sort key of a name: Labels before strings."""
    return (0 if type(name) == "Label" else 1, str(name))
