#!/bin/sh
# Makes the secrets of compose.yaml that are not there yet, each of 256 bits.
#
# Containers read the files under numbers of their own, so everybody may read the files, and nobody else may enter the
# folder.
set -eu

cd "$(dirname "$0")"
mkdir -p secrets
chmod 700 secrets
for name in gateway_upstream gateway_signing_key redis_password database_password grafana_admin; do
	[ ! -e "secrets/$name" ] || continue
	od -An -N32 -tx1 /dev/urandom | tr -d ' \n' >"secrets/$name.new"
	chmod 444 "secrets/$name.new"
	mv "secrets/$name.new" "secrets/$name"
done
