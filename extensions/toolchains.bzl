"""The module extension `img_tools`: how the programs of this ruleset reach Bazel.

It makes one repository per platform, `img_tools_<os>_<cpu>`, and the hub `img_toolchain`, which only declares
toolchains. A platform's repository is fetched when something needs a program of that platform, and never before.
Where the programs come from is described in docs/design/architecture.md, "How the tools reach Bazel".

This module uses the extension itself; nobody else has to. A root module that keeps the programs on its own server can name
another lock file:

    img_tools = use_extension("@rules_img//extensions:toolchains.bzl", "img_tools")
    img_tools.from_file(file = "//third_party:img_tools.json")

Bazel knows an extension by the file that it is loaded from: re-exported from elsewhere, it would be another extension with toolchains of
its own. So this is the only label for it.
"""

load("//img/private/repo:host.bzl", "PLATFORMS", "platform_name")
load("//img/private/repo:hub.bzl", "img_tools_hub")
load("//img/private/repo:lockfile.bzl", "parse_lockfile", "programs_for_platform")
load("//img/private/repo:tools.bzl", "img_tools_repository")

_DEFAULT_LOCKFILE = Label("//:prebuilt_lockfile.json")

def _lockfile_of(module_ctx):
    """The lock file in force: that of the root module, else the one that the release carries."""
    for module in module_ctx.modules:
        if not module.is_root:
            continue
        if len(module.tags.from_file) > 1:
            fail("img_tools.from_file: may be used once in the root module, but is used {} times".format(
                len(module.tags.from_file),
            ))
        for tag in module.tags.from_file:
            return tag.file
    return _DEFAULT_LOCKFILE

def _img_tools_impl(module_ctx):
    lockfile = _lockfile_of(module_ctx)
    entries = parse_lockfile(module_ctx.read(module_ctx.path(lockfile)), name = str(lockfile))
    for os, cpu in PLATFORMS:
        img_tools_repository(
            name = "img_tools_" + platform_name(os, cpu),
            os = os,
            cpu = cpu,
            programs = programs_for_platform(entries, os, cpu),
        )
    img_tools_hub(name = "img_toolchain")
    return module_ctx.extension_metadata(reproducible = True)

img_tools = module_extension(
    implementation = _img_tools_impl,
    doc = "Makes the programs of this ruleset available: one repository per platform, and the hub `img_toolchain`.",
    tag_classes = {
        "from_file": tag_class(
            doc = "Names the lock file of prebuilt programs. Counts in the root module only.",
            attrs = {
                "file": attr.label(
                    doc = "JSON list of prebuilt programs, in the form of `prebuilt_lockfile.json`.",
                    mandatory = True,
                ),
            },
        ),
    },
)
