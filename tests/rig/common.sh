# SPDX-License-Identifier: GPL-2.0-only
# Sourced by prepare and kernel-headers: where the cache is, and a private apt that leaves the
# host's package sources alone.

rig=$(cd "$(dirname "$0")" && pwd)
cache=${XEN_APERTURE_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/xen-aperture}
mirror=${XEN_APERTURE_MIRROR:-http://deb.debian.org}
keyring=/usr/share/keyrings/debian-archive-keyring.gpg

say() { printf '%s\n' "rig: $*" >&2; }
die() { printf '%s\n' "rig: $*" >&2; exit 1; }

sources() { # RELEASE
	echo "deb [signed-by=$keyring] $mirror/debian $1 main"
	echo "deb [signed-by=$keyring] $mirror/debian-security $1-security main"
	echo "deb [signed-by=$keyring] $mirror/debian $1-backports main"
}

# papt RELEASE COMMAND...: apt-get or apt-cache with its lists and downloads in the cache
papt() {
	papt_dir=$cache/apt-$1
	shift
	papt_tool=$1
	shift
	"$papt_tool" -q -o Dir::Etc::sourcelist="$papt_dir/sources.list" \
		-o Dir::Etc::sourceparts=/dev/null -o Dir::State="$papt_dir/state" \
		-o Dir::State::status="$papt_dir/status" -o Dir::Cache="$papt_dir/cache" \
		-o APT::Sandbox::User=root -o APT::Architecture=amd64 "$@"
}

# The package lists are fetched once; XEN_APERTURE_REFRESH=1 fetches them again.
papt_lists() { # RELEASE
	[ -z "${XEN_APERTURE_REFRESH:-}" ] && [ -e "$cache/apt-$1/fresh" ] && return
	say "fetching the package lists of $1"
	mkdir -p "$cache/apt-$1/state/lists/partial" "$cache/apt-$1/cache/archives/partial"
	: >"$cache/apt-$1/status"
	sources "$1" >"$cache/apt-$1/sources.list"
	papt "$1" apt-get update >"$cache/apt-$1/log" 2>&1 ||
		die "no package lists from $mirror for $1; see $cache/apt-$1/log"
	touch "$cache/apt-$1/fresh"
}

# papt_unpack RELEASE DIRECTORY PACKAGE...: download packages and unpack them, installing nothing
papt_unpack() {
	pu_release=$1
	pu_dir=$2
	shift 2
	pu_debs=$(mktemp -d "$cache/debs.XXXXXX")
	(cd "$pu_debs" && papt "$pu_release" apt-get download "$@") >"$cache/download.log" 2>&1 ||
		die "could not download $*; see $cache/download.log"
	mkdir -p "$pu_dir"
	for pu_deb in "$pu_debs"/*.deb; do
		dpkg-deb -x "$pu_deb" "$pu_dir"
	done
	rm -rf "$pu_debs"
}

# The first package that PACKAGE's newest version (or the one of suite $3) depends on by name $4*
papt_depends() { # RELEASE PACKAGE PREFIX
	papt "$1" apt-cache depends "$2" | sed -n "s/^ *Depends: \($3[^ ]*\).*/\1/p" | head -n 1
}
