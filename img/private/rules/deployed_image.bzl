"""The attribute `image` of rules that push or load one image."""

load("//img/private/providers:image.bzl", "ImageIndexInfo", "ImageManifestInfo")

visibility(["//img/private/rules"])

def image_attr(doc):
    """The attribute.

    Args:
        doc: string: what is done with the image.

    Returns:
        Attribute.
    """
    return attr.label(doc = doc, mandatory = True, providers = [[ImageManifestInfo], [ImageIndexInfo]])

def image_of(ctx):
    """The image that the attribute names.

    Args:
        ctx: the rule context.

    Returns:
        ImageManifestInfo or ImageIndexInfo.
    """
    target = ctx.attr.image
    if ImageManifestInfo in target and ImageIndexInfo in target:
        fail("{}: attribute `image`: {} is both an image and an index; name a target that is one of the two".format(
            ctx.label,
            target.label,
        ))
    return target[ImageIndexInfo] if ImageIndexInfo in target else target[ImageManifestInfo]
