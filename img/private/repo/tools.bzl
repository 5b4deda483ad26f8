"""The repository rule behind `img_tools_<os>_<cpu>`: the three programs for one platform.

They come from the first of these that applies:

1. the folder named by the environment variable `RULES_IMG_TOOLS_DIR`;
2. the entries of the lock file of prebuilt programs;
3. for the machine's own platform, `cargo build` of the checkout.

Cargo is neither looked for nor needed unless the third one is reached.
"""

load("//img/private/repo:cargo.bzl", "build_with_cargo")
load("//img/private/repo:copy.bzl", "copy_file")
load("//img/private/repo:host.bzl", "PROGRAMS", "host_platform", "platform_name", "program_file_name")

visibility(["//extensions"])

_TOOLS_DIR = "RULES_IMG_TOOLS_DIR"

_BUILD = """\
load("{rule}", "img_tool")

package(default_visibility = ["//visibility:public"])
"""

_PROGRAM_BUILD = """
{export}

img_tool(
    name = "{program}_toolchain",
    program = ":{file}",
)
"""

def _take_from_folder(rctx, folder):
    for program in PROGRAMS:
        name = program_file_name(program, rctx.attr.os)
        source = folder.get_child(name)
        rctx.watch(source)
        if not source.exists:
            fail(("{tools_dir}: expected the program `{program}` at {path}, but there is no such file. " +
                  "Fill the folder with `make tools` in a checkout of rules_img, or unset {tools_dir}.").format(
                path = source,
                program = program,
                tools_dir = _TOOLS_DIR,
            ))
        copy_file(rctx, source, name)

def _tools_folder(rctx, is_host):
    """The folder that RULES_IMG_TOOLS_DIR has for this platform, or None."""
    value = rctx.getenv(_TOOLS_DIR)
    if not value:
        return None

    # A relative path is one below the workspace, wherever Bazel was started.
    is_absolute = value.startswith("/") or value[1:2] == ":"
    folder = rctx.path(value if is_absolute else "{}/{}".format(rctx.workspace_root, value))
    if not folder.exists:
        fail("{}: expected a folder with the programs {}, but there is nothing at {}".format(
            _TOOLS_DIR,
            ", ".join(PROGRAMS),
            folder,
        ))
    if is_host:
        return folder
    platform_folder = folder.get_child(platform_name(rctx.attr.os, rctx.attr.cpu))
    return platform_folder if platform_folder.exists else None

def _download(rctx):
    for program in PROGRAMS:
        if program not in rctx.attr.programs:
            fail(("the lock file of prebuilt programs has {found} for {platform}, but not `{program}`: " +
                  "add an entry for it, or set --repo_env={tools_dir}=<folder with the programs>.").format(
                found = ", ".join(["`{}`".format(name) for name in sorted(rctx.attr.programs)]),
                platform = platform_name(rctx.attr.os, rctx.attr.cpu),
                program = program,
                tools_dir = _TOOLS_DIR,
            ))
        entry = json.decode(rctx.attr.programs[program])
        rctx.download(
            url = entry["urls"],
            output = program_file_name(program, rctx.attr.os),
            integrity = entry["integrity"],
            executable = True,
        )

def _img_tools_repository_impl(rctx):
    platform = platform_name(rctx.attr.os, rctx.attr.cpu)
    host_os, host_cpu = host_platform(rctx)
    is_host = (rctx.attr.os, rctx.attr.cpu) == (host_os, host_cpu)

    folder = _tools_folder(rctx, is_host)
    if folder:
        _take_from_folder(rctx, folder)
    elif rctx.attr.programs:
        _download(rctx)
    elif is_host:
        build_with_cargo(rctx)
    else:
        fail(("there are no programs of rules_img for {platform}: this version has no prebuilt ones, and only those for this " +
              "machine, {host}, can be built here. Set --repo_env={tools_dir}=<folder> where <folder>/{platform}/ holds {programs}.").format(
            host = platform_name(host_os, host_cpu),
            platform = platform,
            programs = ", ".join([program_file_name(program, rctx.attr.os) for program in PROGRAMS]),
            tools_dir = _TOOLS_DIR,
        ))

    build = [_BUILD.format(rule = Label("//img:toolchain.bzl"))]
    for program in PROGRAMS:
        file = program_file_name(program, rctx.attr.os)
        export = 'exports_files(["{}"])'.format(file)
        if file != program:
            export += '\n\nalias(\n    name = "{}",\n    actual = ":{}",\n)'.format(program, file)
        build.append(_PROGRAM_BUILD.format(export = export, file = file, program = program))
    rctx.file("BUILD.bazel", "".join(build), executable = False)

img_tools_repository = repository_rule(
    implementation = _img_tools_repository_impl,
    doc = "The programs of this ruleset for one platform, as files `builder`, `fetcher`, `pusher`, `tester` and toolchains.",
    attrs = {
        "cpu": attr.string(doc = "The processor, e.g. `amd64`.", mandatory = True),
        "os": attr.string(doc = "The operating system, e.g. `linux`.", mandatory = True),
        "programs": attr.string_dict(
            doc = "Prebuilt programs: name -> JSON object with `urls` and `integrity`. Empty: there are none.",
        ),
    },
)
