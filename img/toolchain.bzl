"""Toolchains: the programs that the rules run.

Ordinary workspaces need nothing from here, since the module registers toolchains for every platform. To use programs of your own:

```starlark
load("@rules_img//img:toolchain.bzl", "BUILDER_TOOLCHAIN_TYPE", "img_tool")

img_tool(name = "my_builder", program = ":builder_binary")

toolchain(name = "my_builder_toolchain", toolchain = ":my_builder", toolchain_type = BUILDER_TOOLCHAIN_TYPE)
```
"""

load("//img/private/rules:img_tool.bzl", _img_tool = "img_tool")

# The program that build actions run; resolved for the execution platform.
BUILDER_TOOLCHAIN_TYPE = str(Label("//img:builder_toolchain_type"))

# The program that repository rules run; resolved for the execution platform.
FETCHER_TOOLCHAIN_TYPE = str(Label("//img:fetcher_toolchain_type"))

# The program that build actions push with; resolved for the execution platform.
BUILD_PUSHER_TOOLCHAIN_TYPE = str(Label("//img:build_pusher_toolchain_type"))

# The program that `bazel run` starts; resolved for the platform that it is started on.
PUSHER_TOOLCHAIN_TYPE = str(Label("//img:pusher_toolchain_type"))

# The program that image_structure_test runs; resolved for the platform that tests run on.
TESTER_TOOLCHAIN_TYPE = str(Label("//img:tester_toolchain_type"))

img_tool = _img_tool
