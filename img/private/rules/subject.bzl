"""The attribute `subject`: the image that another one is about."""

load("//img/private/providers:image.bzl", "ImageIndexInfo", "ImageManifestInfo")

visibility(["//img/private/rules"])

def subject_descriptor(ctx):
    """What describes the subject.

    Args:
        ctx: the rule context; its rule has an attribute `subject`.

    Returns:
        File or None: a descriptor; None if there is no subject.
    """
    subject = ctx.attr.subject
    if not subject:
        return None
    if ImageIndexInfo in subject:
        return subject[ImageIndexInfo].descriptor
    return subject[ImageManifestInfo].descriptor
