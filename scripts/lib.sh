# shellcheck shell=sh
# shellcheck disable=SC2154
# What the scripts share. Sourced by them, with $project set to the folder of the project.

# The Deno that is installed where there is none, and that the tests run with. Stated here alone.
deno_version=2.9.6

# A network monitor makes no connections of its own accord.
export DENO_NO_UPDATE_CHECK=1
# Deno 2.4 looks only at its own certificates unless told, which fails behind a private authority.
export DENO_TLS_CA_STORE="${DENO_TLS_CA_STORE:-system,mozilla}"

say() {
  printf 'nethogs: %s\n' "$*" >&2
}

fail() {
  say "$*"
  exit 1
}

# Sets $deno to a Deno on the PATH if it is 2.4 or later, else to the pinned one.
find_deno() {
  if find_deno_on_path && is_recent "$("$deno" --version 2>/dev/null)"; then
    return
  fi
  find_pinned_deno
}

# Sets $deno to the pinned Deno, installing it on first use.
find_pinned_deno() {
  if find_deno_on_path; then
    case $("$deno" --version 2>/dev/null) in
      "deno $deno_version "*) return ;;
    esac
  fi
  tools=$project/.tools/deno-$deno_version
  find_deno_under "$tools" || install_deno
}

# Deno's npm package puts a Node.js script on the PATH, which is slow and keeps signals to itself; the
# program is beside it.
find_deno_on_path() {
  deno=$(command -v deno) || return 1
  script=$(readlink -f "$deno") || return 0
  case $script in
    */node_modules/deno/bin.cjs)
      find_deno_under "${script%/node_modules/deno/bin.cjs}" || find_deno_under "${script%/bin.cjs}" ||
        return 0
      ;;
  esac
}

find_deno_under() {
  for found in "$1"/node_modules/@deno/*/deno; do
    if [ -x "$found" ]; then
      deno=$found
      return
    fi
  done
  return 1
}

# Takes what `deno --version` prints.
is_recent() {
  version=${1#deno }
  major=${version%%.*}
  minor=${version#*.}
  minor=${minor%%.*}
  case $major in '' | *[!0-9]*) return 1 ;; esac
  case $minor in '' | *[!0-9]*) return 1 ;; esac
  [ "$major" -gt 2 ] || { [ "$major" -eq 2 ] && [ "$minor" -ge 4 ]; }
}

install_deno() {
  command -v npm >/dev/null ||
    fail "no Deno 2.4 or later on the PATH, and no npm to install it with: install one of them"
  say "installing Deno $deno_version in $tools (once)"
  install_deno_in_one_go || fail "cannot install Deno $deno_version: put Deno 2.4 or later on the PATH"
  find_deno_under "$tools"
}

# Under another name until it is complete, so that an interrupted installation does not look like one.
install_deno_in_one_go() (
  mkdir -p "$project/.tools" || exit 1
  partial=$tools.$$
  trap 'rm -rf "$partial"' EXIT
  trap 'exit 130' INT HUP TERM
  npm install --prefix "$partial" --no-save --no-audit --no-fund --no-update-notifier \
    --ignore-scripts --include=optional --loglevel=error "deno@$deno_version" >/dev/null || exit 1
  find_deno_under "$partial" || exit 1
  # Another run may have been faster; then its copy is as good.
  mv -T "$partial" "$tools" 2>/dev/null || [ -d "$tools" ]
)

have_libpcap() {
  for library in /usr/lib/*/libpcap.so.[01]* /usr/lib/libpcap.so.[01]* /usr/lib64/libpcap.so.[01]* \
    /usr/local/lib/libpcap.so.[01]*; do
    if [ -e "$library" ]; then
      return
    fi
  done
  PATH=$PATH:/sbin:/usr/sbin ldconfig -p 2>/dev/null | grep -q 'libpcap\.so\.[01]'
}

may_install_packages() {
  [ "$(id -u)" -eq 0 ] && command -v apt-get >/dev/null
}

# Installs Debian packages, fetching the lists only when they turn out to be missing or stale. Silent
# unless that fails.
install_packages() {
  if log=$(apt_install "$@" 2>&1) || log=$(apt-get update 2>&1 && apt_install "$@" 2>&1); then
    return
  fi
  printf '%s\n' "$log" | tail -n 5 >&2
  # One that this system does not have must not keep the others away.
  for package; do
    apt_install "$package" >/dev/null 2>&1 || installed=no
  done
  [ "${installed:-yes}" = yes ]
}

apt_install() {
  DEBIAN_FRONTEND=noninteractive \
    apt-get install -y --no-install-recommends -o DPkg::Lock::Timeout=120 "$@" </dev/null
}

ensure_libpcap() {
  if have_libpcap; then
    return
  fi
  may_install_packages || fail "libpcap is missing: install the package libpcap0.8 (Debian, Ubuntu)" \
    "or libpcap (Fedora, Arch, Alpine)"
  say "installing libpcap (once)"
  # On systems with 64-bit time the package has another name and provides this one.
  install_packages libpcap0.8 || fail "cannot install libpcap"
}
