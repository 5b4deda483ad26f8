"""The function `file_metadata`, and the check of what it makes."""

visibility([
    "//img",
    "//img/private/...",
    "//tests/...",
])

# The fields of a metadata object and the type of each.
_FIELDS = {
    "gid": "int",
    "gname": "string",
    "mode": "string",
    "mtime": "string",
    "pax_records": "dict",
    "uid": "int",
    "uname": "string",
}

def _problem_with_mode(mode):
    if not mode or mode.strip("01234567"):
        return "mode: expected octal digits such as \"0755\", found {}".format(repr(mode))
    return None

def problem_with_metadata(metadata):
    """Says what is wrong with the metadata of a file.

    Args:
        metadata: dict: field -> value.

    Returns:
        string or None: None if nothing is wrong.
    """
    for field, value in metadata.items():
        if field not in _FIELDS:
            return "unknown field {}; the fields are {}".format(repr(field), ", ".join(_FIELDS))
        if type(value) != _FIELDS[field]:
            return "{}: expected {}, found {}".format(field, _FIELDS[field], repr(value))
        if _FIELDS[field] == "int" and value < 0:
            return "{}: expected a number of at least 0, found {}".format(field, value)
    if "mode" in metadata:
        return _problem_with_mode(metadata["mode"])
    return None

def decode_metadata(text):
    """Reads what `file_metadata` made.

    Args:
        text: string: JSON.

    Returns:
        (dict, string or None): the fields, and what is wrong with them, if anything is.
    """
    metadata = json.decode(text, default = None)
    if type(metadata) != "dict":
        return {}, "expected what file_metadata() returns, found {}".format(repr(text))
    return metadata, problem_with_metadata(metadata)

def file_metadata(*, mode = None, uid = None, gid = None, uname = None, gname = None, mtime = None, pax_records = None):
    """Describes the metadata of a file in a layer, for `default_metadata` and `file_metadata` of `image_layer`.

    Every argument is optional. What is not given keeps its default: mode 0755, owner 0, no names, the beginning of 1970.

    Args:
        mode: string: the permissions in octal, e.g. `"0755"`.
        uid: int: the owner's number.
        gid: int: the group's number.
        uname: string: the owner's name.
        gname: string: the group's name.
        mtime: string: the time of the last change in RFC 3339, e.g. `"2024-01-01T00:00:00Z"`.
        pax_records: dict of string to string: PAX records to add to the tar header.

    Returns:
        string: JSON.
    """
    arguments = {
        "gid": gid,
        "gname": gname,
        "mode": mode,
        "mtime": mtime,
        "pax_records": pax_records,
        "uid": uid,
        "uname": uname,
    }
    metadata = {field: value for field, value in arguments.items() if value != None}
    problem = problem_with_metadata(metadata)
    if problem:
        fail("file_metadata: " + problem)
    return json.encode(metadata)
