# shellcheck shell=bash
# What the three commands share. Sourced, never run.

set -euo pipefail

matrix_dir=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck disable=SC2034 # for the commands
kernel_cache=${SKELGEN_KERNELS:-${XDG_CACHE_HOME:-$HOME/.cache}/skelgen/kernels}

# Status of everything that went wrong outside the guest's program, as with env(1) and timeout(1):
# a test binary's own statuses (0, 1, 101) stay below it.
readonly CANNOT_RUN=125

die() {
    printf '%s: %s\n' "${0##*/}" "$*" >&2
    exit "$CANNOT_RUN"
}

# The comment at the head of a command is its help text.
usage() {
    sed -n '1d; /^$/q; s/^# \{0,1\}//p' "$0"
}

# positive OPTION VALUE: so that a bad number is told before anything runs.
positive() {
    [[ $2 =~ ^[1-9][0-9]*$ ]] || die "$1 takes a whole number from 1 on, not '$2'"
}

# need COMMAND PACKAGE: so that a missing tool is told with the name to install.
need() {
    local tool=$1 package=$2
    command -v "$tool" >/dev/null || die "$tool is not installed (Debian package $package)"
}

# kernel_rows [SERIES...]: the table's rows "series cpus percpu suite package", of the series named or of all.
kernel_rows() {
    local series
    if (($# == 0)); then
        sed -E '/^(#|$)/d' "$matrix_dir/kernels.txt"
        return
    fi
    for series; do
        awk -v s="$series" '$1 == s { print; found = 1 } END { exit !found }' "$matrix_dir/kernels.txt" ||
            die "kernels.txt has no kernel series '$series'"
    done
}

# release SERIES: of the kernel in the cache, what its `uname -r` says.
release() {
    sed -E 's/^linux-[a-z]+-([^ ]+) .*/\1/' "$kernel_cache/$1/version"
}
