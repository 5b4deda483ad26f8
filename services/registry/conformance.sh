#!/usr/bin/env bash
# Runs the OCI distribution conformance suite against our registry server and prints `N passed, N failed, N skipped`.
# Fails when a test fails. Needs cargo, and Go for the suite (built once, below target/conformance).
#
#   services/registry/conformance.sh [VERSION]      # of the specification: 1.1 (default) or dev
#
# REGISTRY names a server program to test instead of building one, and REGISTRY_FLAGS further options of it; CONFORMANCE
# names a suite to use instead of building it.
set -euo pipefail

version=${1:-1.1}
suite=github.com/opencontainers/distribution-spec/conformance@v0.0.0-20260831232431-97274622c111
checkout=$(cd "$(dirname "$0")/../.." && pwd)
build=$checkout/target/conformance
results=$build/results-$version

if [[ -z ${REGISTRY:-} ]]; then
  (cd "$checkout" && cargo build --quiet --locked -p registry-server)
  REGISTRY=$checkout/target/debug/registry
fi
if [[ -z ${CONFORMANCE:-} ]]; then
  CONFORMANCE=$build/bin/conformance
  [[ -x $CONFORMANCE ]] || GOPATH=$build/go GOBIN=$build/bin GOFLAGS=-modcacherw go install "$suite"
fi

root=$(mktemp -d)
touch "$root/stdout"
read -ra flags <<< "${REGISTRY_FLAGS:-}"
"$REGISTRY" --root "$root/store" --port 0 --no-sync "${flags[@]}" > "$root/stdout" &
server=$!
trap 'kill "$server" 2> /dev/null; wait "$server" || true; rm -rf "$root"' EXIT
until grep -q '^listening on ' "$root/stdout"; do
  kill -0 "$server"
  sleep 0.05
done
host=$(sed -n 's,^listening on http://,,p' "$root/stdout")

rm -rf "$results"
mkdir -p "$results"
# Deliberately not served: digests other than SHA-256, and mounts that do not name their source (they fall back to an
# upload, which the suite counts as skipped).
(cd "$root" && OCI_REGISTRY=$host OCI_TLS=disabled OCI_VERSION=$version OCI_DATA_SHA512=false OCI_RESULTS_DIR=$results \
  OCI_LOG=error "$CONFORMANCE" > "$results/output.txt" 2>&1) || true

attribute() { sed -n "s/.*<testsuites.* $1=\"\([0-9]*\)\".*/\1/p" "$results/junit.xml"; }
tests=$(attribute tests) failures=$(attribute failures) errors=$(attribute errors)
skipped=$(attribute skipped) disabled=$(attribute disabled)
failed=$((failures + errors)) skipped=$((skipped + disabled))
if ((failed)); then sed -n '/FAIL\|Error/p' "$results/output.txt" | head -60; fi
echo "conformance ($version): $((tests - failed - skipped)) passed, $failed failed, $skipped skipped; report: $results/report.html"
((failed == 0))
