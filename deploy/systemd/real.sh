#!/bin/sh
# Boots a Debian with a systemd of its own and does in it what an operator does with the package: real_checks.sh.
# Needs root on a Debian machine that may mount and make control groups, and about a gigabyte below /var/tmp for the
# minutes it takes. The network is needed for debootstrap only; the machine inside has nothing but loopback.
#
#   make test-systemd
#   KEEP=yes deploy/systemd/real.sh    leaves the folder of that machine, to look at its journal
#
# Control groups of version 1, as on some hosts, leave DevicePolicy= and MemoryMax= without effect inside.
set -eu

suite=bookworm
patience=900 # seconds for all checks

main() {
	cd "$(dirname "$0")/../.."
	[ "$(id -u)" -eq 0 ] || give_up "only root may boot a machine in a folder: run this as root"
	deploy/demo/install.sh systemd
	make --no-print-directory tools
	scratch=$(mktemp -d /var/tmp/cocart-gateway-systemd.XXXXXX)
	machine= follower=
	trap clean_up EXIT
	trap 'exit 1' HUP INT TERM
	install_debian
	build
	boot
}

give_up() {
	echo "$0: $1" >&2
	exit 1
}

# Nothing is mounted in the folder from here: debootstrap and nspawn have mounts of their own, which end with them.
clean_up() {
	[ -z "$follower" ] || kill "$follower" 2>/dev/null || true
	if [ -n "$machine" ]; then
		kill -KILL "$machine" 2>/dev/null || true # and all that runs in it, by --kill-child
		wait "$machine" 2>/dev/null || true
	fi
	if [ -n "${KEEP:-}" ]; then
		echo "Kept: $scratch"
	else
		rm -rf --one-file-system "$scratch"
	fi
}

install_debian() {
	echo "Installing Debian $suite into $scratch"
	mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' | grep -m 1 '/debian/$') ||
		give_up "the sources of apt name no Debian mirror"
	unshare --mount debootstrap --variant=minbase --include=systemd-sysv,dbus,redis-server,curl,ca-certificates,openssl,procps \
		$suite "$scratch/debian" "$mirror" >"$scratch/debootstrap" 2>&1 || {
		tail -n 20 "$scratch/debootstrap" >&2
		give_up "debootstrap failed, see above"
	}
	# Timers of Debian's own would run just while we look.
	systemctl --root="$scratch/debian" --quiet mask apt-daily.timer apt-daily-upgrade.timer e2scrub_all.timer
}

# build puts two versions of the package into the machine, and who stands on both sides of the gateway.
build() {
	echo "Building the packages"
	version=$(sed -n 's/^## \([0-9.]*\) .*/\1/p' CHANGELOG.md | head -n 1)
	mkdir "$scratch/debian/checks"
	for v in "$version-rc.1" "$version"; do
		go run ./deploy/packages -version "$v" -only "linux/$(go env GOARCH)" -out "$scratch/dist" >/dev/null
		mv "$scratch"/dist/*.deb "$scratch/debian/checks/"
	done
	mv "$scratch/debian/checks/cocart-gateway_${version}_"*.deb "$scratch/debian/checks/new.deb"
	mv "$scratch/debian/checks/cocart-gateway_"*.deb "$scratch/debian/checks/old.deb"
	CGO_ENABLED=0 go build -o "$scratch/debian/usr/local/bin/visitors" ./deploy/systemd/visitors
	cp deploy/systemd/real_checks.sh "$scratch/debian/checks/"
	cat >"$scratch/debian/etc/systemd/system/checks.service" <<-'UNIT'
		[Unit]
		After=multi-user.target redis-server.service
		[Service]
		Type=exec
		StandardOutput=append:/checks/report
		StandardError=inherit
		ExecStart=/bin/bash /checks/real_checks.sh
		ExecStopPost=/bin/sh -c 'systemctl --no-block exit $EXIT_STATUS'
		[Install]
		WantedBy=multi-user.target
	UNIT
	systemctl --root="$scratch/debian" --quiet enable checks.service
}

# boot ends with the exit code of the checks. The machine is in a process namespace of its own, so that nothing of it
# outlives the process that started it, and writes nothing on the console but what the checks say.
boot() {
	echo "Booting"
	report=$scratch/debian/checks/report
	: >"$report"
	tail -f "$report" &
	follower=$!
	unshare --mount --propagation slave --pid --fork --kill-child --mount-proc timeout --kill-after=30 $patience \
		systemd-nspawn --quiet --register=no --keep-unit --machine="$(basename "$scratch" | tr . -)" --directory="$scratch/debian" \
		--private-network --console=pipe --link-journal=no --boot >"$scratch/nspawn" 2>&1 </dev/null &
	machine=$!
	code=0
	wait "$machine" || code=$?
	machine=
	sleep 1 # tail looks once a second
	grep -q '^All of it is well$' "$report" || {
		cat "$scratch/nspawn" >&2
		give_up "the checks ended with $code: FAILED above names the one, or the machine did not get so far"
	}
}

main "$@"
