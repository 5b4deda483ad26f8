"""Trees to measure with: real files of this machine in a fixed order, up to a number of files and bytes; where it has too few,
the rest is generated. Which sources were used is said, because figures of two machines compare only with equal trees."""

import hashlib
import itertools
import os
import pathlib
import shutil
import subprocess
import sys

HOME = pathlib.Path.home()
# A larger file would decide the result alone.
LARGEST = 32 << 20


def output_of(*command):
    """What a command prints, or nothing if it is not there."""
    try:
        return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()
    except FileNotFoundError:
        return ""


def sources(kind):
    """Folders to take files from, the best first."""
    go, rust = output_of("go", "env", "GOROOT"), output_of("rustc", "--print", "sysroot")
    python = pathlib.Path(os.__file__).parent
    cargo = pathlib.Path(os.environ.get("CARGO_HOME", HOME / ".cargo")) / "registry/src"
    table = {
        "source": [go, rust, "/usr/include", "/usr/share"],
        "packages": [python, "/usr/lib/node_modules", cargo, "/usr/lib/python3", "/usr/share", rust],
        "binary": [rust and f"{rust}/lib", go and f"{go}/pkg", go and f"{go}/bin", "/usr/lib"],
    }
    return [pathlib.Path(path) for path in table[kind] if path and pathlib.Path(path).is_dir()]


# Name -> what it is made of, files, bytes.
TREES = {
    "15k": ("source", 15_036, 245_000_000),
    "45k": ("packages", 45_000, 650_000_000),
    "1g": ("binary", 1, 1 << 30),
}


def files_of(folder):
    """The regular files below a folder, sorted by path."""
    for current, folders, names in os.walk(folder):
        folders.sort()
        for name in sorted(names):
            path = pathlib.Path(current, name)
            if path.is_file() and not path.is_symlink() and os.access(path, os.R_OK):
                yield path


def generated(number):
    """Text that compresses as sources do, the same on every machine."""
    words = hashlib.sha256(str(number).encode()).hexdigest()
    lines = (f"fn {words[at:at + 8]}(value: {words[at % 7:at % 7 + 3]}) -> u{at} {{ value * {number * at} }}\n" for at in range(56))
    return "".join(itertools.islice(itertools.cycle(lines), 20 + number % 400)).encode()


def make(folder, name, scale=1.0):
    """Makes a tree in `folder/name`, or finds it there; returns a sentence about it."""
    kind, files, size = TREES[name]
    note = folder / f"{name}-{scale:g}.txt"
    tree = folder / name
    if note.exists() and tree.exists():
        return note.read_text()
    for old in folder.glob(f"{name}-*.txt"):
        old.unlink()
    shutil.rmtree(tree) if tree.is_dir() else tree.unlink(missing_ok=True)
    folder.mkdir(parents=True, exist_ok=True)
    fill = fill_file if kind == "binary" else fill_tree
    said = fill(tree, sources(kind), int(files * scale), int(size * scale))
    note.write_text(f"{name}: {said}")
    return note.read_text()


def fill_tree(tree, folders, most_files, most_bytes):
    """Copies files until there are enough of either."""
    count = total = 0
    used = {}
    for folder in folders:
        for path in files_of(folder):
            size = path.stat().st_size
            if count >= most_files or total + size > most_bytes and total > most_bytes * 0.99:
                break
            if size > LARGEST or total + size > most_bytes:
                continue
            target = tree / folder.name / path.relative_to(folder)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, target)
            count, total = count + 1, total + size
            used[str(folder)] = used.get(str(folder), 0) + 1
    made = 0
    while count < most_files and total < most_bytes:
        content = generated(made)
        target = tree / "generated" / f"{made // 100}" / f"{made}.rs"
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
        count, total, made = count + 1, total + len(content), made + 1
    parts = [f"{number} of {path}" for path, number in used.items()] + ([f"{made} generated"] if made else [])
    return f"{count:,} files, {total / 1e6:.1f} MB: {', '.join(parts)}"


def fill_file(path, folders, _files, most_bytes):
    """One file out of the large binaries of this machine, one behind the other."""
    left, used = most_bytes, 0
    with open(path, "wb") as out:
        binaries = (file for folder in folders for file in files_of(folder) if file.stat().st_size > 1 << 20)
        for file in binaries:
            if left == 0:
                break
            content = file.read_bytes()[:left]
            out.write(content)
            left, used = left - len(content), used + 1
        for number in itertools.count():
            if left == 0:
                break
            content = generated(number)[:left]
            out.write(content)
            left -= len(content)
    return f"one file of {most_bytes / 1e6:.1f} MB, out of {used} binaries of {', '.join(map(str, folders))}"


if __name__ == "__main__":
    sys.exit("this is part of tests/bench/run")
