# shellcheck shell=bash
# Debian packages without installing them: a whole apt of our own in a folder, signatures checked, from the mirror that
# this machine's own apt sources name (SKELGEN_DEBIAN_MIRROR=URL names another). No root is needed and the machine's
# own lists are not touched. Sourced behind common.sh, never run.

# private_apt DIR SUITE...: the apt, with the package lists of these suites.
private_apt() {
    local dir=$1 mirror keyring
    shift
    need apt-get apt
    need dpkg-deb dpkg
    # Each on a line of its own: a failure inside the here-document below would go unnoticed.
    mirror=$(mirror)
    keyring=$(keyring)
    mkdir -p "$dir"/{lists/partial,archives/partial,sources.d}
    touch "$dir/status"
    cat >"$dir/sources.d/debian.sources" <<EOF
Types: deb
URIs: $mirror
Suites: $*
Components: main
Architectures: amd64
Targets: Packages
Signed-By: $keyring
EOF
    # None of the machine's hooks: they clean the machine's own archive directory.
    cat >"$dir/apt.conf" <<EOF
Dir::State "$dir";
Dir::State::status "$dir/status";
Dir::State::lists "$dir/lists";
Dir::Cache "$dir";
Dir::Cache::archives "$dir/archives";
Dir::Cache::pkgcache "pkgcache.bin";
Dir::Cache::srcpkgcache "srcpkgcache.bin";
Dir::Etc::sourcelist "/dev/null";
Dir::Etc::sourceparts "$dir/sources.d";
APT::Architecture "amd64";
APT::Sandbox::User "root";
APT::Update::Error-Mode "any";
#clear APT::Update::Pre-Invoke;
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
EOF
    echo "reading the package lists of $*"
    apt-get -c "$dir/apt.conf" -qq update >"$dir/update.log" 2>&1 || {
        cat "$dir/update.log" >&2
        die "apt could not read or verify the package lists of: $*"
    }
}

# apt prints where it would look for each suite, whatever the form of the machine's sources. The suite
# that is this Debian itself (not its -security or -updates) lies on a mirror that has the others too.
mirror() {
    local found
    if [[ -n ${SKELGEN_DEBIAN_MIRROR:-} ]]; then
        echo "$SKELGEN_DEBIAN_MIRROR"
        return
    fi
    found=$(apt-get update --print-uris 2>/dev/null |
        sed -nE "s,^'(.*)/dists/(bookworm|trixie|forky|(old)?stable|testing|unstable|sid)/InRelease'.*,\1,p" |
        sed -n 1p)
    [[ -n $found ]] || die "this machine's apt sources name no Debian mirror: set SKELGEN_DEBIAN_MIRROR=URL"
    echo "$found"
}

keyring() {
    local file
    for file in /usr/share/keyrings/debian-archive-keyring.{pgp,gpg}; do
        if [[ -r $file ]]; then
            echo "$file"
            return
        fi
    done
    die "no keyring to verify Debian's signatures with (Debian package debian-archive-keyring)"
}

# available DIR: the names of all packages. Read to the end by its users, or pipefail would see a broken pipe.
available() {
    apt-cache -c "$1/apt.conf" pkgnames
}

# download DIR PACKAGE TO: the one package, into the folder TO.
download() {
    (cd "$3" && apt-get -c "$1/apt.conf" -qq download "$2")
}

# unpack_with_dependencies DIR TO PACKAGE...: the packages and all that they need, as on a machine that has none, into
# the folder TO.
unpack_with_dependencies() {
    local dir=$1 to=$2 package
    shift 2
    apt-get -c "$dir/apt.conf" -qq -y --no-install-recommends -o Debug::NoLocking=1 --download-only install "$@" \
        >"$dir/download.log" 2>&1 || {
        cat "$dir/download.log" >&2
        return 1
    }
    for package in "$dir/archives"/*.deb; do
        dpkg-deb -x "$package" "$to" || return 1
    done
}

# write_command FILE ROOT PROGRAM [LIBRARIES [OPTIONS]]: a command that runs the program, which lies below the root as
# LIBRARIES do, by the C library that is there; the root is told from the command's own folder.
write_command() {
    cat >"$1" <<END
#!/usr/bin/env bash
root=\$(dirname "\$0")/$2
for loader in "\$root"{,/usr}/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2; do
    [[ -x \$loader ]] && break
done
exec "\$loader" --library-path "\$root/usr/lib/x86_64-linux-gnu:\$root/lib/x86_64-linux-gnu${4:+:\$root/$4}" \\
    "\$root/$3" ${5:-} "\$@"
END
    chmod +x "$1"
}
