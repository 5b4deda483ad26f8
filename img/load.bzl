"""Public API for loading container images into container runtimes.

```starlark
load("@rules_img//img:load.bzl", "image_load_spec")

image_load_spec(
    name = "into_docker",
    daemon = "docker",
    tag = "my-project/{{.image_target_name}}:latest",
)
```
"""

load("//img/private/rules:image_load_spec.bzl", _image_load_spec = "image_load_spec")

image_load_spec = _image_load_spec
