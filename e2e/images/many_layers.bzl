"""Images of many layers."""

load("@rules_img//img:image.bzl", "image_manifest")
load("@rules_img//img:layer.bzl", "image_layer")

def many_layers(name, count, **kwargs):
    """An image of that many layers.

    Args:
        name: string: name of the image.
        count: int: number of layers.
        **kwargs: attributes of the image.
    """
    for number in range(count):
        image_layer(
            name = "{}_{}".format(name, number),
            srcs = {"/data/{}.txt".format(number): "data/motd.txt"},
            tags = ["manual"],
        )
    image_manifest(
        name = name,
        layers = [":{}_{}".format(name, number) for number in range(count)],
        **kwargs
    )
