"""The builder's peak memory where the input is as large as it gets."""

import shutil

import measure


def bench(folder, builder, scale=1.0, jobs=2):
    """Prints the peak of each codec, and the bound that docs/design/layers.md promises."""
    sparse, files = int((20 << 30) * scale), int(100_000 * scale)
    large, many = folder / "sparse", folder / "many"
    free = shutil.disk_usage(folder).free
    if free < sparse * 1.2:
        raise SystemExit(f"error: an uncompressed layer needs {sparse:,} bytes in `{folder}`, where {free:,} are free")
    with open(large, "wb") as file:
        file.truncate(sparse)
    for number in range(files):
        path = many / f"{number // 100:04}" / f"{number % 100:02}.txt"
        if number % 100 == 0:
            path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"file {number}\n" * (number % 50))
    bound = (64 << 20) + jobs * (4 << 20)
    print(f"\nmemory: {jobs} jobs, bound {bound >> 20} MiB\n\n| input | codec | wall s | peak MiB |\n| --- | --- | --- | --- |")
    try:
        for title, source, kind in ((f"{sparse / 2**30:g} GiB sparse", large, "f"), (f"{files:,} files", many, "d")):
            for words in (["--format=none"], ["--format=gzip", "--level=1"], ["--format=zstd", "--level=3"]):
                cost = measure.cost(command(folder, builder, source, kind, [*words, f"--jobs={jobs}"]))
                print(f"| {title} | {' '.join(words).replace('--', '')} | {cost.wall:.1f} | {cost.peak / 2**20:.1f} |", flush=True)
    finally:
        (folder / "blob").unlink(missing_ok=True)
        large.unlink()
        shutil.rmtree(many)


def command(folder, builder, source, kind, words):
    """The builder on one source."""
    entries = folder / "entries"
    entries.write_text(f"opt/bench\0{kind}\0{source}\n")
    return [builder, "layer", f"--output={folder}/blob", f"--metadata={folder}/metadata.json", f"--entries={entries}", "--values={}", *words]
