"""Checks the attributes of `pull` before anything is fetched."""

visibility([
    "//img/private/repo",
    "//tests/repo",
])

_DIGEST_PREFIX = "sha256:"
_DIGEST_DIGITS = 64

def is_digest(text):
    """Whether a text is a digest that can be verified.

    Args:
        text: string: any text.

    Returns:
        bool: whether it is `sha256:` and 64 lower-case hexadecimal digits.
    """
    digits = text.removeprefix(_DIGEST_PREFIX)
    return text.startswith(_DIGEST_PREFIX) and len(digits) == _DIGEST_DIGITS and not digits.strip("0123456789abcdef")

def _problem(attribute, text):
    return struct(attribute = attribute, text = text)

def problem_with_attributes(attributes):
    """Says what is wrong with the attributes.

    Args:
        attributes: struct: the attributes of the repository rule.

    Returns:
        struct(attribute = string, text = string) or None: None if nothing is wrong.
    """
    if not attributes.repository:
        return _problem("repository", "is empty; write the name of the image, e.g. \"library/ubuntu\"")
    if attributes.digest and not is_digest(attributes.digest):
        return _problem("digest", "expected \"sha256:\" and 64 lower-case hexadecimal digits, found {}".format(repr(attributes.digest)))
    if not attributes.digest and not attributes.tag:
        return _problem("digest", "is missing, and so is `tag`; write the digest of the image")
    if attributes.layer_handling != "shallow":
        return _problem("layer_handling", "{} is not there yet; write \"shallow\"".format(repr(attributes.layer_handling)))
    if attributes.downloader != "img_tool":
        return _problem("downloader", "{} is not there yet; write \"img_tool\"".format(repr(attributes.downloader)))
    return None
