#!/bin/sh
echo "$GREETING from an image that Bazel built."
