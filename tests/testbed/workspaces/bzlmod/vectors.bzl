"""The behaviour of runfiles groups that is documented with examples."""

load("@bazel_skylib//lib:unittest.bzl", "analysistest", "asserts")
load("@rules_runfiles_group//runfiles_group:lib.bzl", "runfiles_groups")
load(
    "@rules_runfiles_group//runfiles_group:providers.bzl",
    "RunfilesGroupInfo",
    "RunfilesGroupTransformInfo",
)

_CFG = Label("//app:cfg")

# name: (rank, weight, affinity)
_GROUPS = {
    "r#app": (0, None, "r"),
    "q#x": (-100, 5, "q"),
    _CFG: (-100, None, ""),
    "p#b": (-100, 10, "p"),
    "p#a": (-100, 30, "p"),
    "r#std": (-900, None, "r"),
    "r#interp": (-1000, None, "r"),
}

def _entries(groups):
    return [
        runfiles_groups.entry(
            name = name,
            content = depset(),
            rank = rank,
            weight = weight,
            merge_affinity = affinity,
            do_not_merge = name == "r#interp",
        )
        for name, (rank, weight, affinity) in groups.items()
    ]

def _resolve(ctx, more = {}):
    info = RunfilesGroupInfo(
        entries = runfiles_groups.entries(_entries(_GROUPS | more)),
        executable_group = "r#app",
    )
    return runfiles_groups.resolve(ctx, info, aspect_hints = [])

def _names(resolved):
    return [group.name for group in resolved.groups]

def _test_resolve(env, ctx):
    resolved = _resolve(ctx)
    asserts.equals(
        env,
        ["r#interp", "r#std", _CFG, "p#a", "p#b", "q#x", "r#app"],
        _names(resolved),
    )
    asserts.equals(env, "r#app", resolved.executable_group)
    asserts.equals(env, None, runfiles_groups.resolve(ctx, depset(), aspect_hints = []))

def _test_limit(env, ctx):
    resolved = _resolve(ctx)

    def limit(max_groups, **kwargs):
        return runfiles_groups.limit(ctx, resolved, max_groups = max_groups, **kwargs)

    six = limit(6)
    asserts.equals(env, ["r#interp", "r#std", _CFG, "p#a", "q#x", "r#app"], _names(six))
    asserts.equals(env, 40, six.by_name["p#a"].weight)

    five = limit(5)
    asserts.equals(env, ["r#interp", "r#std", "p#a", "q#x", "r#app"], _names(five))
    asserts.equals(env, 5, five.by_name["q#x"].weight)

    four = limit(4)
    asserts.equals(env, ["r#interp", "r#std", "p#a", "r#app"], _names(four))
    asserts.equals(env, 45, four.by_name["p#a"].weight)
    asserts.equals(env, 4, limit(3).group_count)
    asserts.equals(env, 7, limit(7).group_count)

    heavy = limit(5, default_weight = 100)
    asserts.equals(env, ["r#interp", "r#std", _CFG, "p#a", "r#app"], _names(heavy))

def _test_executable_group_follows(env, ctx):
    resolved = _resolve(ctx, {"r#tools": (0, 3, "r")})
    limited = runfiles_groups.limit(ctx, resolved, max_groups = 7)
    asserts.equals(env, "r#tools", limited.executable_group)
    asserts.false(env, "r#app" in limited.by_name)

def _test_fold(env, ctx):
    entries = [
        runfiles_groups.entry(
            name = "s#d",
            content = depset(),
            rank = -100,
            merge_affinity = "s",
        ),
        runfiles_groups.entry(
            name = "s#d",
            content = ctx.runfiles(),
            weight = 7,
            kind = "docs",
        ),
    ]
    folded = runfiles_groups.resolve(ctx, runfiles_groups.entries(entries), aspect_hints = [])
    group = folded.by_name["s#d"]
    asserts.equals(
        env,
        (-100, 7, "s", "docs", False),
        (group.rank, group.weight, group.merge_affinity, group.kind, group.do_not_merge),
    )
    asserts.equals(env, "runfiles", type(group.content))

def _test_merged_group_name(env, ctx):
    limited = runfiles_groups.limit(
        ctx,
        _resolve(ctx),
        max_groups = 6,
        merged_group_name = lambda lighter, _, heavier, __: "%s+%s" % (lighter, heavier),
    )
    asserts.true(env, "p#b+p#a" in limited.by_name)

def _test_transform(env, ctx):
    hints = [ctx.attr.drop]
    info = RunfilesGroupInfo(entries = runfiles_groups.entries(_entries(_GROUPS)))
    resolved = runfiles_groups.resolve(ctx, info, aspect_hints = hints)
    asserts.equals(env, [], resolved.groups)
    asserts.equals(env, None, resolved.executable_group)

def _test_collect(env, ctx):
    collected = runfiles_groups.collect(
        ctx,
        deps = [ctx.attr.drop],
        data = [[ctx.attr.data], {"a": ctx.attr.data}],
        own = _entries({"own": (0, None, "")}),
    )
    resolved = runfiles_groups.resolve(ctx, collected, aspect_hints = [])
    asserts.equals(env, [ctx.attr.data.label, "own"], _names(resolved))
    names = [file.basename for file in runfiles_groups.files(resolved.groups[0]).to_list()]
    asserts.equals(env, ["hello.sh"], names)
    asserts.false(env, runfiles_groups.is_enabled(ctx))

def _vectors_impl(ctx):
    env = analysistest.begin(ctx)
    _test_resolve(env, ctx)
    _test_limit(env, ctx)
    _test_executable_group_follows(env, ctx)
    _test_fold(env, ctx)
    _test_merged_group_name(env, ctx)
    _test_transform(env, ctx)
    _test_collect(env, ctx)
    return analysistest.end(env)

_vectors_test = analysistest.make(
    _vectors_impl,
    attrs = {
        "data": attr.label(allow_single_file = True),
        "drop": attr.label(providers = [RunfilesGroupTransformInfo]),
    } | runfiles_groups.RULE_ATTRS,
)

def _drop_all(_resolved):
    return struct(groups = [])

_drop_groups = rule(
    implementation = lambda _: [RunfilesGroupTransformInfo(transform = _drop_all)],
)

def _bad_entry_impl(ctx):
    runfiles_groups.entry(**(dict(name = "a#b", content = depset()) | json.decode(ctx.attr.fields)))

_bad_entry = rule(
    implementation = _bad_entry_impl,
    attrs = {"fields": attr.string()},
)

def _failure_impl(ctx):
    env = analysistest.begin(ctx)
    asserts.expect_failure(env, ctx.attr.message)
    return analysistest.end(env)

_failure_test = analysistest.make(
    _failure_impl,
    attrs = {"message": attr.string()},
    expect_failure = True,
)

_BAD_ENTRIES = {
    "empty_name": ({"name": ""}, "the string is empty"),
    "negative_weight": ({"weight": -1}, "is negative"),
    "no_content": ({"content": []}, "expected depset or runfiles"),
    "unknown_kind": ({"kind": "toys"}, "is none of"),
}

def vectors_test(name):
    """Declares the tests, and a suite of them.

    Args:
      name: the name of the suite.
    """
    _drop_groups(name = name + "_drop")
    _vectors_test(
        name = name + "_values",
        data = "hello.sh",
        drop = name + "_drop",
        target_under_test = name + "_drop",
    )
    tests = [name + "_values"]
    for case, (fields, message) in _BAD_ENTRIES.items():
        _bad_entry(
            name = "%s_%s_entry" % (name, case),
            fields = json.encode(fields),
            tags = ["manual"],
        )
        _failure_test(
            name = "%s_%s" % (name, case),
            message = message,
            target_under_test = "%s_%s_entry" % (name, case),
        )
        tests.append("%s_%s" % (name, case))
    native.test_suite(
        name = name,
        tests = tests,
    )
