"""The rule `img_tool`: offers one program to toolchain resolution."""

# Loaded by the generated repositories of the programs, which visibility() cannot name.
visibility("public")

_ATTRS = {
    "program": attr.label(
        doc = "The program, one file that runs on the platform that the toolchain is registered for.",
        allow_single_file = True,
        mandatory = True,
    ),
}

def _img_tool_impl(ctx):
    return [
        DefaultInfo(files = depset([ctx.file.program])),
        platform_common.ToolchainInfo(
            # File: the program.
            program = ctx.file.program,
        ),
    ]

img_tool = rule(
    implementation = _img_tool_impl,
    doc = "Offers a program as a toolchain of the type `//img:builder_toolchain_type`, `fetcher_`, `pusher_` or `tester_toolchain_type`.",
    attrs = _ATTRS,
    provides = [platform_common.ToolchainInfo],
)
