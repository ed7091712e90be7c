#!/bin/sh
# Makes the secrets of compose.yaml that do not exist yet, of 256 bits each.
#
# Containers read the files with different user ids, so all users may read the files, and only the owner may enter the
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
