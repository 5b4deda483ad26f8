"""Public module extensions. They live in `//extensions`; this is the label that MODULE.bazel files know."""

load("//extensions:toolchains.bzl", _img_tools = "img_tools")

img_tools = _img_tools
