#!/bin/sh
# Poses as docker or podman. What it does stands beside the link that it is started by; so do the words that it got.
folder=$(dirname "$0")
echo "$*" >>"$folder/calls"
. "$folder/behaviour"
