#!/usr/bin/env bash
# Prints its argument in capitals.
set -eu
printf '%s\n' "${1^^}"
