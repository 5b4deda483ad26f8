"""Layers of real trees under every codec, beside tar with pigz and zstd, and beside reading and hashing alone."""

import subprocess

import measure

# Name of ours, arguments of the builder, what it is compared with.
OURS = [
    ("none", ["--format=none"], "read and SHA-256"),
    *((f"gzip {level}", ["--format=gzip", f"--level={level}"], f"tar | pigz -{level}") for level in (1, 6, 9)),
    *((f"zstd {level}", ["--format=zstd", f"--level={level}"], f"tar | zstd -T0 -{level}") for level in (1, 3, 9)),
    ("estargz gzip 6", ["--format=gzip", "--level=6", "--estargz"], "tar | pigz -6"),
    ("zstd:chunked 3", ["--format=zstd", "--level=3", "--estargz"], "tar | zstd -T0 -3"),
]
# What a shell does with one pass over the tar, as a floor: no headers, no second digest, no output.
FLOOR = "import hashlib,sys; hashlib.file_digest(open(sys.argv[1], 'rb'), 'sha256').hexdigest()"


def contestants(tree, tar, folder, builder):
    """All commands, by name; all write `folder/blob`."""
    blob = folder / "blob"
    help_text = subprocess.run([builder, "layer", "--help"], capture_output=True, text=True, check=True).stdout
    entries = folder / "entries"
    # One tree, or one file: the builder takes a file that is announced as a folder for what it is.
    entries.write_text(f"opt/bench\0{'d' if tree.is_dir() else 'f'}\0{tree}\n")
    ours = {
        name: [builder, "layer", f"--output={blob}", f"--metadata={folder}/metadata.json", f"--entries={entries}", "--values={}", *words]
        for name, words, _ in OURS if "--estargz" not in words or "--estargz" in help_text
    }
    archive = f"tar -C {tree.parent} --sort=name -cf - {tree.name}"
    others = {
        "read and SHA-256": f"python3 -c \"{FLOOR}\" {tar} > {blob}",
        **{f"tar | pigz -{level}": f"{archive} | pigz -n -{level} > {blob}" for level in (1, 6, 9)},
        **{f"tar | zstd -T0 -{level}": f"{archive} | zstd -q -T0 -{level} > {blob}" for level in (1, 3, 9)},
    }
    return {**others, **ours}


def bench(folder, name, builder, runs):
    """Prints a table for one tree."""
    tree, tar = folder / name, folder / f"{name}.tar"
    measure.cost(f"tar -C {tree.parent} --sort=name -cf {tar} {tree.name}")
    megabytes = tar.stat().st_size / 1e6
    costs = measure.rounds(contestants(tree, tar, folder, builder), runs, folder / "blob")
    tar.unlink()
    partner = {ours: other for ours, _, other in OURS}
    print(f"\n{name}: {megabytes:.1f} MB of tar, median of {runs} interleaved runs\n")
    print("| command | wall s | CPU s | peak MB | output MB | MB per CPU s | wall, CPU, size against |\n| --- | --- | --- | --- | --- | --- | --- |")
    for command, all_costs in costs.items():
        figures = [measure.median(all_costs, key) for key in ("wall", "cpu", "peak", "size")]
        against = ""
        if command in partner:
            others = costs[partner[command]]
            keys = ("wall", "cpu", "size") if measure.median(others, "size") else ("wall", "cpu")
            against = " ".join(f"x{measure.ratio(all_costs, others, key):.2f}" for key in keys) + f" of {partner[command]}"
        command, against = (text.replace("|", r"\|") for text in (command, against))
        print(f"| {command} | {figures[0]:.2f} | {figures[1]:.2f} | {figures[2] / 1e6:.0f} | {figures[3] / 1e6:.1f} "
              f"| {megabytes / figures[1]:.0f} | {against} |", flush=True)
