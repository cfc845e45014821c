#!/bin/sh
# Opens the workstation; where stdout is no terminal, runs the same main job
# headless on the embedded image and prints what the container printed.
set -eu
gantry=$(dirname "$0")/../bin/gantry

if [ -t 0 ] && [ -t 1 ]; then
	if [ "$(id -u)" = 0 ]; then exec "$gantry"; fi
	exec sudo --preserve-env=TERM,COLORTERM,NO_COLOR,LANG "$gantry"
fi
as_root=
[ "$(id -u)" = 0 ] || as_root=sudo
exec $as_root "$gantry" run --rm gantry/toolbox sh -c '
	echo "hello from $(hostname), pid $$"
	ps
	for ns in pid mnt net ipc uts cgroup; do readlink /proc/self/ns/$ns; done
	grep -E "^(CapEff|Seccomp|NoNewPrivs):" /proc/self/status'
