"""The repository rule behind `img_toolchain`: declares the toolchains of every platform and fetches none.

Its `defs.bzl` has `fetcher_label(rctx)`, the fetcher for the machine that runs Bazel, for repository rules.
"""

load("//img/private/repo:host.bzl", "PLATFORMS", "host_platform", "platform_name", "program_file_name")

visibility(["//extensions"])

_OS_CONSTRAINTS = {
    "darwin": Label("@platforms//os:macos"),
    "linux": Label("@platforms//os:linux"),
    "windows": Label("@platforms//os:windows"),
}

_CPU_CONSTRAINTS = {
    "amd64": Label("@platforms//cpu:x86_64"),
    "arm64": Label("@platforms//cpu:aarch64"),
    "s390x": Label("@platforms//cpu:s390x"),
}

# Kind of toolchain -> the program, and which platform it has to run on: that of the action, test or repository rule, or the one a target
# is built for.
_KINDS = {
    "build_pusher": ("pusher", "exec_compatible_with"),
    "builder": ("builder", "exec_compatible_with"),
    "fetcher": ("fetcher", "exec_compatible_with"),
    "pusher": ("pusher", "target_compatible_with"),
    "tester": ("tester", "exec_compatible_with"),
}

_TOOLCHAIN = """
toolchain(
    name = "{kind}_{platform}",
    toolchain = "@img_tools_{platform}//:{program}_toolchain",
    toolchain_type = "{type}",
    {compatibility} = [
        "{os}",
        "{cpu}",
    ],
)
"""

_DEFS = '''\
"""The fetcher for repository rules."""

_FETCHERS = {{
{fetchers}
}}

_PLATFORM = "{host}"

def fetcher_label(rctx):
    """The label of the fetcher for the machine that runs Bazel.

    Args:
        rctx: the context of a repository rule.

    Returns:
        Label: the program's file.
    """
    if _PLATFORM not in _FETCHERS:
        fail("there is no fetcher of rules_img for this machine, {{}} ({{}}, {{}}); there is one for {{}}".format(
            _PLATFORM,
            rctx.os.name,
            rctx.os.arch,
            ", ".join(sorted(_FETCHERS)),
        ))
    return _FETCHERS[_PLATFORM]
'''

def _img_tools_hub_impl(rctx):
    build = ['package(default_visibility = ["//visibility:public"])\n\nexports_files(["defs.bzl"])\n']
    fetchers = []
    for os, cpu in PLATFORMS:
        platform = platform_name(os, cpu)
        for kind, (program, compatibility) in _KINDS.items():
            build.append(_TOOLCHAIN.format(
                compatibility = compatibility,
                cpu = _CPU_CONSTRAINTS[cpu],
                kind = kind,
                os = _OS_CONSTRAINTS[os],
                platform = platform,
                program = program,
                type = Label("//img:{}_toolchain_type".format(kind)),
            ))
        fetchers.append('    "{platform}": Label("@img_tools_{platform}//:{file}"),'.format(
            file = program_file_name("fetcher", os),
            platform = platform,
        ))
    rctx.file("BUILD.bazel", "".join(build), executable = False)
    rctx.file("defs.bzl", _DEFS.format(
        fetchers = "\n".join(fetchers),
        host = platform_name(*host_platform(rctx)),
    ), executable = False)

img_tools_hub = repository_rule(
    implementation = _img_tools_hub_impl,
    doc = "Toolchains of this ruleset for every platform, by reference.",
)
