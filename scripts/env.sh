# shellcheck shell=bash
# Sourced by the scripts of this folder: where things are, and how they report.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
deps=${NNCC_DEPS:-$HOME/.cache/nncc}
export NNCC_DEPS=$deps
script=$(basename "$0" .sh)

say() { printf '%s: %s\n' "$script" "$*"; }
fail() { printf '%s: error: %s\n' "$script" "$*" >&2; exit 1; }

# Debian's own Python, because others on PATH (pyenv, conda) come and go.
system_python() { [ -x /usr/bin/python3 ] && echo /usr/bin/python3 || echo python3; }

# make_venv FOLDER REQUIREMENTS: a virtual environment that has exactly these packages; a second call does nothing.
make_venv() {
  local venv=$1 wanted
  wanted="$($(system_python) --version) $(sha256sum < "$2")"
  if [ "$(cat "$venv/.stamp" 2>/dev/null)" = "$wanted" ]; then say "$venv is up to date"; return; fi
  say "making $venv from $(realpath --relative-to="$root" "$2")"
  mkdir -p "$deps"
  (
    flock 9 # two runs at once wait for each other
    [ "$(cat "$venv/.stamp" 2>/dev/null)" = "$wanted" ] && exit 0
    rm -rf "$venv"
    $(system_python) -m venv "$venv" &&
      "$venv/bin/pip" --disable-pip-version-check -q install -r "$2" &&
      echo "$wanted" > "$venv/.stamp"
  ) 9> "$venv.lock" || fail "pip could not install $2"
}
