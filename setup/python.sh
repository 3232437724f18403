# Sourced by the commands in this folder: sets $here and $python (3.11 or later, able to make virtual environments).
# Debian's own python3 comes first: a virtual environment made from another user's Python is of no use to others.
here=$(cd "$(dirname "$0")" && pwd)

usable() {
    [ -n "$1" ] && [ -x "$1" ] && "$1" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null
}

find_python() {
    for python in /usr/bin/python3 "$(command -v python3 || true)"; do
        if usable "$python"; then
            return 0
        fi
    done
    return 1
}

if ! find_python; then
    line='apt-get install --yes python3 python3-venv'
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
        echo "This machine lacks Python 3.11 with venv. Installing Debian's packages: $line"
        { apt-get update -qq && DEBIAN_FRONTEND=noninteractive $line >/dev/null; } || {
            echo "Stopped: apt-get could not install python3. See its lines above; then start again." >&2
            exit 1
        }
    fi
    find_python || {
        echo "Stopped: Python 3.11 or later with venv is needed. As root: $line" >&2
        exit 1
    }
fi
