"""The program of a deploy target: the attributes `tool_cfg` and `deploy_tool`, and the executable."""

load("//img/private/config:transitions.bzl", "deploy_platform_transition")
load("//img/private/providers:deploy.bzl", "DeployToolInfo")

visibility(["//img/private/rules"])

# What a rule has whose executable does what a plan says.
DEPLOY_PROGRAM_ATTRS = {
    "deploy_tool": attr.label(
        doc = "The program that is run, instead of the one of this ruleset: an `img_deploy_tool`. Then `tool_cfg` does not count.",
        providers = [DeployToolInfo],
    ),
    "tool_cfg": attr.string(
        doc = "Which platform the program is for: that of the machine that runs Bazel (`host`), or the target platform (`target`), such as to " +
              "put the target into an image.",
        default = "host",
        values = ["host", "target"],
    ),
    "_pusher": attr.label(
        doc = "The program.",
        cfg = deploy_platform_transition,
        default = Label("//img/private/rules:host_pusher"),
    ),
}

def _program(ctx):
    if ctx.attr.deploy_tool:
        return ctx.attr.deploy_tool[DeployToolInfo].img_deploy_exe
    if not ctx.files._pusher:
        fail("{}: attribute `tool_cfg`: {}: there is no program of rules_img for this platform; name one in `deploy_tool`".format(
            ctx.label,
            repr(ctx.attr.tool_cfg),
        ))
    return ctx.files._pusher[0]

def declare_executable(ctx):
    """Declares the executable: the program under the name of the target. It finds its plan by the name that it is started with.

    Args:
        ctx: the rule context; its rule has DEPLOY_PROGRAM_ATTRS.

    Returns:
        File: the executable.
    """
    program = _program(ctx)
    extension = "." + program.extension if program.extension else ""
    executable = ctx.actions.declare_file(ctx.label.name + extension)
    ctx.actions.symlink(output = executable, target_file = program, is_executable = True)
    return executable
