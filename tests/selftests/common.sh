# shellcheck shell=bash
# What fetch, compile and testmod share. Sourced behind the matrix' common.sh, never run.

selftests_dir=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cache=${SKELGEN_SELFTESTS:-${XDG_CACHE_HOME:-$HOME/.cache}/skelgen/selftests}
selftests=$cache/source/tools/testing/selftests/bpf

# The kernel that the tests are of, and the compiler.
# shellcheck disable=SC2034 # for the commands
readonly series=7.3 llvm=23

# run_tool PATH ARGS...: a program of Debian sid's, by sid's C library.
run_tool() {
    local tool=$1 root=$cache/tools
    shift
    "$root/usr/lib64/ld-linux-x86-64.so.2" \
        --library-path "$root/usr/lib/x86_64-linux-gnu:$root/usr/lib/llvm-$llvm/lib" "$root/$tool" "$@"
}
