# The installation of the test-bed, in stages. Sourced by `testbed`, for `testbed setup` alone.
#
# Each stage has a key, a hash of what it is made from, and is repeated when its key has changed. A
# stage may be interrupted at any point: its key is stored when it is complete.
# shellcheck shell=bash disable=SC2153 # the constants are those of `testbed`

debian_architecture() {
  case $(uname -m) in
    x86_64) echo amd64 ;;
    aarch64) echo arm64 ;;
  esac
}

# ---- keys: what a stage was made from -----------------------------------------------------------

package_list() { sed -e 's/#.*//' -e '/^[[:space:]]*$/d' "$HERE/packages.txt" | sort -u; }

host_certificates() {
  find /usr/local/share/ca-certificates -name '*.crt' 2>/dev/null | sort || true
}

readonly HOST_CA_BUNDLE=/etc/ssl/certs/ca-certificates.crt

hash_files() { cat -- "$@" 2>/dev/null | sha256sum | cut -c1-64; }

key_of_base() { echo "1 $RELEASE $(uname -m)"; }

key_of_certificates() {
  local files
  mapfile -t files < <(host_certificates)
  hash_files "$HOST_CA_BUNDLE" "${files[@]}"
}

key_of_packages() { package_list | sha256sum; }

key_of_buildifier() { echo "$BUILDIFIER_VERSION"; }

key_of_buildgrid() { hash_files "$HERE/buildgrid.txt"; }

# The list of paths is part of the key, so that an empty file counts, too.
key_of_config() {
  local files
  mapfile -t files < <(find "$HERE/modules" "$HERE/repositories" -type f | sort)
  files=("$SELF" "$HERE/setup.bash" "$HERE/bazelrc.in" "$HERE/modules.txt" "${files[@]}")
  echo "$TESTBED $(key_of_packages) ${files[*]#"$HERE"} $(hash_files "${files[@]}")" | sha256sum
}

readonly STAGES=(base certificates packages buildifier buildgrid config)

stage_is_current() {
  local stored=
  [[ -r $STATE/$1 ]] && stored=$(<"$STATE/$1")
  [[ -n $stored && $stored == "$("key_of_$1")" ]]
}

all_current() {
  local stage
  [[ -e $STATE/ready ]] || return 1
  for stage in "${STAGES[@]}"; do
    stage_is_current "$stage" || return 1
  done
}

# ---- setup --------------------------------------------------------------------------------------

cmd_setup() {
  (($# == 0)) || usage_error "setup takes no arguments"
  [[ ! -e $MARKER ]] || return 0
  require_machine
  all_current && return
  unshare --mount true ||
    fail "this machine does not let root make a mount namespace" "it takes CAP_SYS_ADMIN"
  mkdir -p "$STATE" "$OUTPUT_USER_ROOT"
  # Every process of a setup holds the lock: after a kill, the next one waits for the stragglers.
  exec 9>"$TESTBED/lock"
  if ! flock --nonblock 9; then
    say "another setup is at work in $TESTBED, waiting for it"
    flock 9
  fi
  all_current && return
  : >"$LOG"
  local stage started=$SECONDS
  for stage in "${STAGES[@]}"; do
    stage_is_current "$stage" || run_stage "$stage"
  done
  touch "$STATE/ready"
  say "ready after $((SECONDS - started)) s: $ROOT"
}

run_stage() {
  local stage=$1 title started=$SECONDS key status=0
  case $stage in
    base) title="installing Debian $RELEASE (about 30 s)" ;;
    certificates) title="copying the machine's CA certificates" ;;
    packages) title="installing $(package_list | wc -l) packages and what they need (about 60 s)" ;;
    buildifier) title="installing buildifier $BUILDIFIER_VERSION" ;;
    buildgrid) title="installing BuildGrid (about 30 s)" ;;
    config) title="writing Bazel's configuration and modules" ;;
  esac
  say "$title"
  key=$("key_of_$stage")
  rm -f "$STATE/$stage"
  # A process of its own, for its mounts to vanish with it and for `set -e` to hold in it.
  RULES_IMG_TESTBED=$TESTBED unshare --mount --propagation private -- \
    "$BASH" "$SELF" __stage "$stage" >>"$LOG" 2>&1 </dev/null || status=$?
  if ((status != 0)); then
    printf 'error: %s failed; the end of %s:\n' "$title" "$LOG" >&2
    tail -n 20 "$LOG" | sed 's/^/  | /' >&2
    hint "run \`$SELF setup\` again: it goes on where this one stopped" \
      "is there a network, a Debian mirror that has $RELEASE, and enough space on the disk?"
    exit 1
  fi
  printf '%s\n' "$key" >"$STATE/$stage.new"
  mv "$STATE/$stage.new" "$STATE/$stage"
  say "  done in $((SECONDS - started)) s"
}

# Runs one stage, in a mount namespace of its own, with its output in the log.
cmd_stage() {
  printf '==== %s, %s\n' "$1" "$(date -u +%FT%TZ)"
  umask 022
  export LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive TMPDIR=/tmp
  "stage_$1"
}

stage_base() {
  local mirror fresh=$TESTBED/root.new
  stop_bazel_servers
  rm -f "$STATE"/*
  rm -rf --one-file-system "$fresh" "$TESTBED/root.old"
  have_debootstrap || install_debootstrap
  mirror=$(debian_mirror)
  export_apt_proxy
  # The name of the script, `sid`, is given because an older debootstrap does not know the release.
  debootstrap --variant=minbase --include=ca-certificates --arch="$(debian_architecture)" \
    "$RELEASE" "$fresh" ${mirror:+"$mirror"} ${mirror:+sid}
  write_apt_configuration "$fresh"
  printf 'The test-bed of rules_img. Made by tests/testbed/testbed.\n' >"$fresh$MARKER"
  if [[ -e $ROOT ]]; then
    mv "$ROOT" "$TESTBED/root.old"
  fi
  mv "$fresh" "$ROOT"
  rm -rf --one-file-system "$TESTBED/root.old"
}

have_debootstrap() { command -v debootstrap >/dev/null; }

install_debootstrap() {
  command -v apt-get >/dev/null ||
    fail "debootstrap is not installed, and there is no apt-get to install it with" \
      "install debootstrap and Debian's archive keyring by hand"
  apt_install_on_host debootstrap debian-archive-keyring
}

apt_install_on_host() {
  local options=(-y --no-install-recommends -o DPkg::Lock::Timeout=300)
  apt-get install "${options[@]}" "$@" ||
    { apt-get update && apt-get install "${options[@]}" "$@"; }
}

# Prints the mirror to use, or nothing for debootstrap's own default.
debian_mirror() {
  if [[ -n ${RULES_IMG_TESTBED_MIRROR:-} ]]; then
    echo "$RULES_IMG_TESTBED_MIRROR"
    return
  fi
  local mirror
  mirror=$(debian_mirror_in_apt_sources)
  if [[ -z $mirror ]] && command -v apt-get >/dev/null; then
    apt-get update >&2 || true # the label of a source is known only after an update
    mirror=$(debian_mirror_in_apt_sources)
  fi
  echo "$mirror"
}

debian_mirror_in_apt_sources() {
  command -v apt-get >/dev/null || return 0
  # shellcheck disable=SC2016 # the variables are apt's
  apt-get indextargets --format '$(LABEL) $(REPO_URI)' 'Created-By: Packages' |
    awk '$1 == "Debian" && $2 ~ /^(https?|file):/ { print $2; exit }'
}

export_apt_proxy() {
  command -v apt-config >/dev/null || return 0
  local http='' https=''
  eval "$(apt-config shell http Acquire::http::Proxy https Acquire::https::Proxy)"
  [[ -z $http || -n ${http_proxy:-} ]] || export http_proxy=$http
  [[ -z $https || -n ${https_proxy:-} ]] || export https_proxy=$https
}

# write_apt_configuration ROOT: the proxies and checks of the machine's apt, no recommended
# packages, nothing that only a human reads, and no daemons started by packages.
write_apt_configuration() {
  local root=$1
  {
    ! command -v apt-config >/dev/null ||
      apt-config dump | grep -E '^Acquire::(https?::|Check-|Retries|ForceIPv4)' || true
    echo 'APT::Install-Recommends "false";'
    echo 'APT::Keep-Downloaded-Packages "false";'
    echo 'DPkg::Options { "--force-confold"; };'
  } >"$root/etc/apt/apt.conf.d/90testbed"
  printf 'force-unsafe-io\n' >"$root/etc/dpkg/dpkg.cfg.d/testbed"
  printf 'path-exclude=/usr/share/%s/*\n' doc man info locale >>"$root/etc/dpkg/dpkg.cfg.d/testbed"
  printf '#!/bin/sh\nexit 101\n' >"$root/usr/sbin/policy-rc.d"
  chmod 755 "$root/usr/sbin/policy-rc.d"
}

stage_certificates() {
  local target=$ROOT/usr/local/share/ca-certificates
  rm -rf "$target"
  mkdir -p "$target"
  local file
  while IFS= read -r file; do
    cp --dereference "$file" "$target/"
  done < <(host_certificates)
  chroot "$ROOT" update-ca-certificates
  # A machine may have its own authorities in the bundle alone.
  [[ ! -r $HOST_CA_BUNDLE ]] || cat "$HOST_CA_BUNDLE" >>"$ROOT$HOST_CA_BUNDLE"
}

stage_packages() {
  local packages
  mapfile -t packages < <(package_list)
  mount_system
  inside apt-get update
  repair_packages
  inside apt-get -y install "${packages[@]}"
  inside apt-get clean
  inside rm -rf /usr/share/locale /usr/share/doc /usr/share/man
}

# Completes what an interrupted setup left behind, or lets the next one start from nothing.
repair_packages() {
  local status=0
  # Fails when a package is unpacked before those it depends on; apt-get then gets them.
  inside dpkg --configure -a || true
  inside apt-get -y --fix-broken install || status=$?
  case $status in
    0) ;;
    100) # apt-get gave up, as opposed to being ended itself
      rm -f "$STATE/base"
      fail 'an interrupted installation cannot be completed; the next setup starts from nothing'
      ;;
    *) exit "$status" ;;
  esac
}

inside() {
  chroot "$ROOT" /usr/bin/env HOME=/root PATH="$SYSTEM_PATH" "$@"
}

# The npm package carries one static program per platform.
stage_buildifier() {
  local scratch=$TESTBED/npm.new
  command -v npm >/dev/null || apt_install_on_host npm
  rm -rf "$scratch"
  mkdir -p "$scratch"
  (cd "$scratch" && npm pack --silent "@bazel/buildifier@$BUILDIFIER_VERSION")
  tar -xzf "$scratch"/*.tgz -C "$scratch"
  install -D -m 755 "$scratch/package/buildifier-linux_$(debian_architecture)" \
    "$ROOT/usr/local/bin/buildifier"
  rm -rf "$scratch"
}

# A virtual environment, because Debian has no BuildGrid; programs only, nothing is compiled.
stage_buildgrid() {
  local pip=(/opt/buildgrid/bin/pip --disable-pip-version-check --no-cache-dir)
  mount_system
  rm -rf "$ROOT/opt/buildgrid"
  inside python3 -m venv /opt/buildgrid
  cp "$HERE/buildgrid.txt" "$ROOT/opt/buildgrid/"
  inside "${pip[@]}" install --only-binary :all: --requirement /opt/buildgrid/buildgrid.txt
}

# ---- setup: Bazel's configuration ---------------------------------------------------------------

stage_config() {
  local staging=$TESTBED/share.new share=$ROOT$SHARE
  rm -rf "$staging"
  mkdir -p "$staging/registry/modules"
  printf '{}\n' >"$staging/registry/bazel_registry.json"
  stage_modules "$staging/modules"
  cp -r "$HERE/repositories" "$staging/repositories"
  mkdir "$staging/version"
  printf 'build.label=%s\n' "$(<"$ROOT/usr/share/bazel/build-label.txt")" \
    >"$staging/version/build-data.properties"
  mkdir -p "${share%/*}"
  rm -rf "$share.old"
  [[ ! -e $share ]] || mv "$share" "$share.old"
  mv "$staging" "$share"
  rm -rf "$share.old"
  write_bazelrc >"$TESTBED/bazelrc.new"
  mkdir -p "$ROOT/etc/bazel"
  mv "$TESTBED/bazelrc.new" "$ROOT/etc/bazel/bazelrc"
  write_bazel_wrapper "$ROOT/usr/local/bin/bazel"
}

# Prints `NAME PATH-INSIDE` of every module.
module_list() {
  local name path
  while read -r name path; do
    [[ -e $HERE/modules/$name ]] || echo "$name $path"
  done < <(debian_modules)
  for path in "$HERE"/modules/*/; do
    name=$(basename "$path")
    echo "$name $SHARE/modules/$name"
  done
}

debian_modules() { sed -e 's/#.*//' -e '/^[[:space:]]*$/d' "$HERE/modules.txt"; }

# stage_modules DIR: the checked-in modules, laid over Debian's module of the same name if any. A
# file X.bzl of Debian's that is replaced by that is still there as X_packaged.bzl.
stage_modules() {
  local target=$1 name path file
  mkdir -p "$target"
  while read -r name path; do
    [[ -e $ROOT$path ]] || fail "modules.txt: $name: no such folder in the test-bed: $path"
    [[ -e $HERE/modules/$name ]] || continue
    cp -rL "$ROOT$path" "$target/$name"
    while IFS= read -r file; do
      [[ ! -e $HERE/modules/$name/$file ]] ||
        mv "$target/$name/$file" "$target/$name/${file%.bzl}_packaged.bzl"
    done < <(cd "$target/$name" && find . -name '*.bzl')
  done < <(debian_modules)
  cp -r "$HERE/modules/." "$target"
  while read -r name _; do
    [[ $name == buildozer ]] || printf 'bazel_dep(name = "%s", version = "0.0.0")\n' "$name"
  done < <(module_list) >>"$target/buildozer/MODULE.bazel"
}

write_bazelrc() {
  local overrides workspace_overrides
  overrides=$(module_list | sed 's|\([^ ]*\) *\(.*\)|common --override_module=\1=\2|')
  workspace_overrides=$(
    module_list | sed 's|\([^ ]*\) *\(.*\)|common:workspace --override_repository=\1=\2|'
  )
  local text
  text=$(<"$HERE/bazelrc.in")
  text=${text//@OUTPUT_USER_ROOT@/$OUTPUT_USER_ROOT}
  text=${text//@SHARE@/$SHARE}
  text=${text//@MACHINE@/$(uname -m)}
  text=${text//@WORKSPACE_OVERRIDES@/$workspace_overrides}
  text=${text//@OVERRIDES@/$overrides}
  printf '%s\n' "$text"
}

# A server that sees other folders than this client must be replaced: a differing startup option
# does that.
write_bazel_wrapper() {
  cat >"$1.new" <<'END'
#!/bin/sh
exec /usr/bin/bazel --host_jvm_args="-Drules_img.testbed.view=${RULES_IMG_TESTBED_VIEW:-}" "$@"
END
  chmod 755 "$1.new"
  mv "$1.new" "$1"
}
