"""A repository that asks the machine for its programs, as the project's own toolchain does."""

def _machine_repository_impl(repository_ctx):
    cargo = repository_ctx.which("cargo")
    if not cargo:
        fail("machine: cargo is not in PATH")
    result = repository_ctx.execute([cargo, "--version"])
    if result.return_code:
        fail("machine: cargo --version: %s" % result.stderr)
    repository_ctx.file("BUILD.bazel", 'exports_files(["versions.txt"])\n')
    repository_ctx.file(
        "versions.txt",
        "bazel %s\n%s" % (native.bazel_version, result.stdout),
    )

_machine_repository = repository_rule(implementation = _machine_repository_impl)

machine = module_extension(implementation = lambda _: _machine_repository(name = "machine"))
