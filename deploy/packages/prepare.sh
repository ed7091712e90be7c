#!/bin/sh
# The packages run this as root at each installation and upgrade. It creates the account of the gateway and missing
# secrets, and sets who may read them. It needs no running systemd, and a second run changes nothing.
set -eu

etc=/etc/cocart-gateway

main() {
	create_account
	own 0750 $etc
	own 0640 $etc/config.yaml
	for secret in upstream signing-key; do
		make_secret $etc/$secret.secret
	done
}

# Does what sysusers.d/cocart-gateway.conf says, also on machines without systemd.
create_account() {
	if command -v systemd-sysusers >/dev/null; then
		systemd-sysusers /usr/lib/sysusers.d/cocart-gateway.conf
		return
	fi
	getent group cocart-gateway >/dev/null || groupadd --system cocart-gateway
	getent passwd cocart-gateway >/dev/null ||
		useradd --system --gid cocart-gateway --no-create-home --home-dir /var/lib/cocart-gateway \
			--shell /usr/sbin/nologin --comment cocart-gateway cocart-gateway
}

own() {
	[ -e "$2" ] || return 0 # the administrator removed it
	chown root:cocart-gateway "$2"
	chmod "$1" "$2"
}

make_secret() {
	[ ! -e "$1" ] || return 0
	umask 077
	od -An -N32 -tx1 /dev/urandom | tr -d ' \n' >"$1.new"
	own 0640 "$1.new"
	mv "$1.new" "$1"
}

main
