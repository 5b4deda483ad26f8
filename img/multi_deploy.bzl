"""Public API for deploying many images with one command.

```starlark
load("@rules_img//img:multi_deploy.bzl", "multi_deploy")

multi_deploy(
    name = "deploy",
    operations = [
        ":push_frontend",
        ":push_backend",
        "//tools:image_with_push_specs",
    ],
)
```

`bazel run //:deploy` does all of it.
"""

load("//img/private/rules:multi_deploy.bzl", _multi_deploy = "multi_deploy")

multi_deploy = _multi_deploy
