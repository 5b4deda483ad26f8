"""The rule `host_program`: the pusher for the platform that a `bazel run` happens on.

Depend on `//img/private/rules:host_pusher` with the transition `host_platform_transition`: resolved for any other platform, this
would be a program that the machine cannot start.
"""

visibility(["//img/private/rules"])

_PUSHER_TOOLCHAIN = Label("//img:pusher_toolchain_type")

def _host_program_impl(ctx):
    return [DefaultInfo(files = depset([ctx.toolchains[_PUSHER_TOOLCHAIN].program]))]

host_program = rule(
    implementation = _host_program_impl,
    doc = "The pusher of the toolchain that fits the target platform.",
    toolchains = [_PUSHER_TOOLCHAIN],
)
