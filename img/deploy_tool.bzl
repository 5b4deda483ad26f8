"""Public API for the program that deploy targets run.

```starlark
load("@rules_img//img:deploy_tool.bzl", "img_deploy_tool")
```
"""

load("//img/private/rules:img_deploy_tool.bzl", _img_deploy_tool = "img_deploy_tool")

img_deploy_tool = _img_deploy_tool
