"""The variants of processors that images can be built for: constraint values and what images call them."""

visibility([
    "//img/constraints/...",
    "//img/private/config",
])

# Below //img/constraints: package -> constraint values. A point release .0 is an alias, see ALIASES.
CONSTRAINT_VALUES = {
    "amd64": ["v1", "v2", "v3", "v4"],
    "arm": ["v5", "v6", "v7", "v8"],
    "arm64": ["v8"] + ["v8.{}".format(minor) for minor in range(1, 10)] + ["v9"] + ["v9.{}".format(minor) for minor in range(1, 8)],
    "ppc64le": ["power8", "power9", "power10"],
    "riscv64": ["rva20u64", "rva22u64", "rva23u64"],
}

# Other names for constraint values: package -> name -> constraint value.
ALIASES = {
    "arm64": {
        "v8.0": "v8",
        "v9.0": "v9",
    },
}

# For select(): label of the constraint value -> variant.
VARIANTS = {
    "//img/constraints/{}:{}".format(package, value): value
    for package, values in CONSTRAINT_VALUES.items()
    for value in values
}
