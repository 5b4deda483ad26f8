"""Builds the programs from the checkout that these rules come from, with the cargo of the machine.

This is for development and for overrides that point at a source tree. Cargo's own incremental build does the work: its target folder
stays in the checkout, so that an edit costs what it costs on the command line.
"""

load("//img/private/repo:copy.bzl", "copy_file")
load("//img/private/repo:host.bzl", "PROGRAMS", "program_file_name")

visibility(["//img/private/repo"])

# What the bytes of the programs depend on. An edit below these runs the repository rule again.
_SOURCE_FILES = ["Cargo.lock", "Cargo.toml", "rust-toolchain.toml"]
_SOURCE_FOLDERS = ["builder", "crates", "fetcher", "pusher", "tester"]

# A first build compiles every dependency; on two cores that takes minutes.
_BUILD_TIMEOUT_SECONDS = 3600

_NO_CARGO = """\
the programs of rules_img are built from source here, and that needs cargo, which was found neither in CARGO, nor on PATH, nor in {home_cargo}.
Either install Rust {channel} or newer with rustup (https://rustup.rs) and make cargo visible to Bazel,
or set --repo_env=RULES_IMG_TOOLS_DIR=<folder with the programs builder, fetcher, pusher and tester>."""

_FAILED = """\
building the programs of rules_img from source failed: `{command}` in {checkout} ended with exit code {code}.
{stderr}
To use programs that are built already, set --repo_env=RULES_IMG_TOOLS_DIR=<folder with the programs builder, fetcher, pusher and tester>."""

def _is_windows(rctx):
    return rctx.os.name.lower().startswith("windows")

def _home(rctx):
    return rctx.getenv("USERPROFILE" if _is_windows(rctx) else "HOME") or ""

def _cargo_home(rctx):
    return rctx.getenv("CARGO_HOME") or (_home(rctx) + "/.cargo")

def _channel(rctx, checkout):
    """The version of Rust that the checkout asks for, for messages."""
    for line in rctx.read(checkout.get_child("rust-toolchain.toml")).split("\n"):
        if line.startswith("channel"):
            return line.partition("=")[2].strip().strip('"')
    return ""

def _find_cargo(rctx, checkout):
    named = rctx.getenv("CARGO")
    if named and rctx.path(named).exists:
        return rctx.path(named)
    found = rctx.which("cargo")
    if found:
        return found
    in_home = _cargo_home(rctx) + "/bin/" + program_file_name("cargo", "windows" if _is_windows(rctx) else "")
    if rctx.path(in_home).exists:
        return rctx.path(in_home)
    fail(_NO_CARGO.format(channel = _channel(rctx, checkout), home_cargo = in_home))

def _rust_flags(rctx, checkout):
    """Flags that keep the names of this machine's folders out of the programs, so that equal sources give equal bytes."""
    flags = [
        "--remap-path-prefix={}=/rules_img".format(checkout),
        "--remap-path-prefix={}=/cargo".format(_cargo_home(rctx)),
    ]

    # The separator of CARGO_ENCODED_RUSTFLAGS is the one that may not occur in a path.
    return "\037".join(flags)

def build_with_cargo(rctx):
    """Builds the programs and puts them into the repository.

    Args:
        rctx: the context of the repository rule.
    """
    checkout = rctx.path(Label("//:Cargo.toml")).realpath.dirname
    for name in _SOURCE_FILES:
        rctx.watch(checkout.get_child(name))
    for name in _SOURCE_FOLDERS:
        rctx.watch_tree(checkout.get_child(name))

    cargo = _find_cargo(rctx, checkout)
    target_dir = checkout.get_child("target").get_child("bazel")
    command = [str(cargo), "build", "--release", "--locked", "--target-dir", str(target_dir)]
    for program in PROGRAMS:
        command += ["-p", program]

    rctx.report_progress("building the programs of rules_img with cargo")
    result = rctx.execute(
        command,
        environment = {
            "CARGO_ENCODED_RUSTFLAGS": _rust_flags(rctx, checkout),
            "CARGO_TERM_COLOR": "never",
        },
        timeout = _BUILD_TIMEOUT_SECONDS,
        working_directory = str(checkout),
    )
    if result.return_code != 0:
        fail(_FAILED.format(
            checkout = checkout,
            code = result.return_code,
            command = " ".join(command),
            stderr = result.stderr,
        ))
    for program in PROGRAMS:
        name = program_file_name(program, "windows" if _is_windows(rctx) else "")
        copy_file(rctx, target_dir.get_child("release").get_child(name), name)
