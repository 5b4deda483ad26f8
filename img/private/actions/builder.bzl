"""How every action calls the builder: the toolchain, parameter files, and what Bazel is told about the action.

The files beside this one, one per verb of the builder, are the only places that spell its flags.
"""

visibility([
    "//img/private/actions",
    "//img/private/rules",
])

BUILDER_TOOLCHAIN = Label("//img:builder_toolchain_type")

# All inputs are passed as File objects and all outputs are declared, so Bazel may map their paths.
_EXECUTION_REQUIREMENTS = {"supports-path-mapping": "1"}

def lines_args(ctx, param_file_flag = "@%s"):
    """Arguments that travel in a parameter file, one a line.

    Args:
        ctx: the rule context.
        param_file_flag: string: how the parameter file is named on the command line.

    Returns:
        Args: empty.
    """
    args = ctx.actions.args()
    args.set_param_file_format("multiline")
    args.use_param_file(param_file_flag, use_always = True)
    return args

def add_values(args, values):
    """Adds what users typed. Such strings can hold newlines, and JSON has none.

    Args:
        args: Args: the arguments.
        values: dict: the values.
    """
    args.add("--values", json.encode(values))

def label_string(label):
    """A label as image histories and messages have it.

    Args:
        label: Label: of a target.

    Returns:
        string: `//pkg:name` in the main repository, else the canonical form.
    """
    text = str(label)
    for prefix in ["@@//", "@//"]:
        if text.startswith(prefix):
            return "//" + text.removeprefix(prefix)
    return text

def add_templates(args, *, stamp_files, base):
    """Adds what templates get their variables from.

    Args:
        args: Args: the arguments.
        stamp_files: list of File: workspace status files; empty if nothing is stamped.
        base: ImageManifestInfo or None: the image whose documents they may use.

    Returns:
        list of File: what the action has to read.
    """
    args.add_all(stamp_files, before_each = "--stamp")
    if not base:
        return list(stamp_files)
    args.add("--base-manifest", base.manifest)
    args.add("--base-config", base.config)
    return stamp_files + [base.manifest, base.config]

def run_builder(ctx, *, verb, arguments, mnemonic, inputs, outputs, progress_message, resource_set = None):
    """Declares an action of the builder.

    Args:
        ctx: the rule context.
        verb: list of string: what the builder is to do, e.g. `["plan", "push"]`.
        arguments: list of Args: made by lines_args().
        mnemonic: string: the mnemonic of the action.
        inputs: depset of File, or list of File: all that it reads.
        outputs: list of File: all that it writes.
        progress_message: string: what Bazel shows while it runs.
        resource_set: function or None: what the action needs of the machine; None for one processor and little memory.
    """
    ctx.actions.run(
        executable = ctx.toolchains[BUILDER_TOOLCHAIN].program,
        arguments = verb + arguments,
        mnemonic = mnemonic,
        inputs = inputs,
        outputs = outputs,
        env = {},
        execution_requirements = _EXECUTION_REQUIREMENTS,
        progress_message = progress_message,
        resource_set = resource_set,
        toolchain = BUILDER_TOOLCHAIN,
        use_default_shell_env = False,
    )
