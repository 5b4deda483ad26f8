"""Public API for testing container images.

```starlark
load("@rules_img//img:test.bzl", "image_structure_test")

image_structure_test(
    name = "app_test",
    configs = ["app_test.yaml"],
    image = ":app",
)
```
"""

load("//img/private/rules:image_structure_test.bzl", _image_structure_test = "image_structure_test")

image_structure_test = _image_structure_test
