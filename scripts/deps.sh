#!/bin/sh
# Installs the packages that building (`deps.sh build`) or testing
# (`deps.sh test`) needs and that are missing, with the system's own package
# manager. Says which ones are missing where it cannot.
set -eu

what=${1:-build}

have() { command -v "$1" >/dev/null 2>&1; }

static_seccomp() {
	have gcc && have pkg-config && pkg-config --exists libseccomp &&
		printf '#include <seccomp.h>\nint main(void){return seccomp_api_get()==99;}\n' |
		gcc -static -x c - -o /dev/null -lseccomp 2>/dev/null
}

# Programs the end-to-end tests drive, with sbin where daemons live.
test_programs="docker-registry sshd ssh ssh-keygen tmux debootstrap busybox xz ip nft"

missing_programs() {
	PATH=$PATH:/usr/sbin:/sbin
	for p in $test_programs; do have "$p" || printf '%s ' "$p"; done
}

case $what in
build) static_seccomp && exit 0 ;;
test) [ -z "$(missing_programs)" ] && exit 0 ;;
*) echo "usage: deps.sh build|test" >&2; exit 2 ;;
esac

as_root=
if [ "$(id -u)" != 0 ]; then
	have sudo && as_root=sudo
fi

if have apt-get; then
	build_pkgs="gcc libc6-dev pkg-config libseccomp-dev"
	test_pkgs="docker-registry openssh-server openssh-client tmux debootstrap busybox-static xz-utils iproute2 nftables"
	install() { $as_root env DEBIAN_FRONTEND=noninteractive apt-get update -qq && $as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@"; }
elif have dnf; then
	build_pkgs="gcc glibc-static pkgconf-pkg-config libseccomp-devel libseccomp-static"
	test_pkgs="docker-distribution openssh-server openssh-clients tmux debootstrap busybox xz iproute nftables"
	install() { $as_root dnf install -y -q "$@"; }
elif have apk; then
	build_pkgs="gcc musl-dev linux-headers pkgconf libseccomp-dev libseccomp-static"
	test_pkgs="docker-registry openssh tmux debootstrap busybox-static xz iproute2 nftables"
	install() { $as_root apk add -q "$@"; }
elif have pacman; then
	build_pkgs="gcc glibc pkgconf libseccomp"
	test_pkgs="docker-distribution openssh tmux debootstrap busybox xz iproute2 nftables"
	install() { $as_root pacman -S --needed --noconfirm -q "$@"; }
else
	build_pkgs="gcc pkg-config libseccomp-dev (with the static library)"
	test_pkgs=$test_programs
	install() { return 1; }
fi

case $what in
build) pkgs=$build_pkgs ;;
test) pkgs=$test_pkgs ;;
esac

echo "installing: $pkgs" >&2
# shellcheck disable=SC2086 # a list of words is meant
install $pkgs >/dev/null || true

if [ "$what" = build ] && ! static_seccomp; then
	echo "deps: still missing for the static build: $build_pkgs; install them, libseccomp.a included, and run make again" >&2
	exit 1
fi
if [ "$what" = test ] && [ -n "$(missing_programs)" ]; then
	echo "deps: still missing for the tests: $(missing_programs)" >&2
	exit 1
fi
