"""The rule `img_deploy_tool`: a program that deploy targets run instead of the one of this ruleset."""

load("//img/private/providers:deploy.bzl", "DeployToolInfo")

visibility([
    "//img",
    "//tests/...",
])

_ATTRS = {
    "img_deploy_exe": attr.label(
        doc = "The program, one file. It finds its plan beside itself, under the name that it is started with and `.json`.",
        allow_single_file = True,
        mandatory = True,
    ),
    "launcher_template": attr.label(
        doc = "Not used: deploy targets start the program itself. The attribute is there for BUILD files that have it.",
        allow_single_file = True,
    ),
}

def _img_deploy_tool_impl(ctx):
    program = ctx.file.img_deploy_exe
    executable = ctx.actions.declare_file(ctx.label.name + ("." + program.extension if program.extension else ""))
    ctx.actions.symlink(output = executable, target_file = program, is_executable = True)
    return [
        DefaultInfo(executable = executable, files = depset([executable])),
        DeployToolInfo(img_deploy_exe = program, launcher_template = None),
    ]

img_deploy_tool = rule(
    implementation = _img_deploy_tool_impl,
    doc = """Offers a program for the attribute `deploy_tool` of `image_push` and `multi_deploy`.

```starlark
img_deploy_tool(
    name = "pusher",
    img_deploy_exe = "//third_party:pusher",
)
```
""",
    attrs = _ATTRS,
    executable = True,
    provides = [DeployToolInfo],
)
