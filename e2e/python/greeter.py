"""Greets whom a data file names, with words of packages, and counts the letters with another program."""

import argparse
import os
import subprocess

import marks
import words
from python.runfiles import runfiles

# One package in two folders.
from team import greetings, names


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", required=True, help="runfiles path of the file with the name")
    arguments = parser.parse_args()
    files = runfiles.Create()
    with open(files.Rlocation(arguments.data), encoding="utf-8") as file:
        name = names.polite(file.read().strip())
    counter = files.Rlocation("_main/counter")
    counted = subprocess.run([counter, name], check=True, capture_output=True, text=True,
                             env={**os.environ, **files.EnvVars()})
    print(greetings.greet(words.TEXT, name) + marks.TEXT, counted.stdout.strip(), os.environ["GREETER_MODE"])


if __name__ == "__main__":
    main()
