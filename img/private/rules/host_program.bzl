"""The rule `host_program`: the pusher for the platform that it is built for.

Depend on `//img/private/rules:host_pusher` with the transition `deploy_platform_transition`: resolved for any other platform, this
would be a program that the machine cannot start.
"""

visibility(["//img/private/rules"])

_PUSHER_TOOLCHAIN = Label("//img:pusher_toolchain_type")

def _host_program_impl(ctx):
    toolchain = ctx.toolchains[_PUSHER_TOOLCHAIN]
    return [DefaultInfo(files = depset([toolchain.program] if toolchain else []))]

host_program = rule(
    implementation = _host_program_impl,
    doc = "The pusher of the toolchain that fits the target platform; nothing if there is none, as users may have a program of their own.",
    toolchains = [config_common.toolchain_type(_PUSHER_TOOLCHAIN, mandatory = False)],
)
