#!/bin/bash
# What an operator does with the package on a machine with systemd, and what has to come of it. Run by real.sh, inside
# the machine that it boots. Each line of the report is one thing that was seen to be so.
set -uo pipefail
export DEBIAN_FRONTEND=noninteractive SYSTEMD_PAGER= LC_ALL=C.UTF-8
config=/etc/cocart-gateway/config.yaml
examples=/usr/share/doc/cocart-gateway/deploy/systemd
dropins=/etc/systemd/system/cocart-gateway.service.d

main() {
	since=$(date '+%F %T')
	systemd-run --quiet --unit=shop visitors shop 127.0.0.1:8000
	installed_and_not_filled_in
	runs
	reloads
	stops_and_comes_back
	without_redis
	secrets
	sockets_of_its_own
	tls_and_low_ports
	socket_unit
	mistake_behind_the_socket
	removed
	echo "All of it is well"
}

# check SENTENCE COMMAND…: within half a minute the command must be true.
check() {
	local sentence=$1
	shift
	for _ in $(seq 300); do
		if "$@" >/checks/said 2>&1; then
			echo "ok      $sentence"
			return
		fi
		sleep 0.1
	done
	echo "FAILED  $sentence: $*"
	cat /checks/said
	systemctl status --no-pager --lines=30 --full cocart-gateway.service cocart-gateway.socket
	exit 1
}

# is PROPERTY VALUE [UNIT], has PROPERTY PART: as systemctl show has it.
is() { [ "$(systemctl show --property "$1" --value "${3:-cocart-gateway}")" = "$2" ]; }
has() { [[ "$(systemctl show --property "$1" --value cocart-gateway)" == *"$2"* ]]; }
fails() { ! "$@"; }
answers() { [ "$(curl -s -m 5 -d hi "${@:-http://127.0.0.1:8080/}")" = hi ]; }
admin() { curl -s -m 10 "http://127.0.0.1:9090/$1" | grep -E "$2"; }
logged() { journalctl --quiet --sync && journalctl --quiet -u cocart-gateway --since "$since" | grep -F "$1"; }
is_private() { [ "$(stat -c '%U %a' "$1")" = 'cocart-gateway 700' ]; }
left_over() { find / -xdev -path /sys -prune -o -name '*cocart-gateway*' -print | grep .; }
gateway() { systemctl show --property MainPID --value cocart-gateway; }
process() { grep -qE "$1" "/proc/$(gateway)/status"; }

# configure LINE… starts over with the good configuration and these lines; a key that it has already is replaced.
configure() {
	cp -p /checks/good.yaml /checks/next.yaml
	for line in "$@"; do
		sed -i "/^${line%%:*}:/d" /checks/next.yaml
		printf '%s\n' "$line" >>/checks/next.yaml
	done
	cat /checks/next.yaml >$config
}

# again NAME LINE… restarts with another configuration.
again() {
	since=$(date '+%F %T')
	configure "$@"
	systemctl restart cocart-gateway
}

# drop_in NAME TEXT, and without TEXT the one of the documentation; none at all takes all away.
drop_in() {
	rm -rf $dropins
	mkdir $dropins
	case $# in
	1) cp "$examples/$1" $dropins/ ;;
	2) printf "$2" >"$dropins/$1" ;;
	esac
	systemctl daemon-reload
}

installed_and_not_filled_in() {
	check "apt installs the package" apt-get install -y /checks/old.deb
	check "which starts nothing" is ActiveState inactive
	check "and enables nothing" is UnitFileState disabled
	check "a gateway that was not filled in does not start" fails systemctl enable --now cocart-gateway
	check "the journal names what is missing in it" logged "upstream.url: is \"\"; must be the address of WordPress"
	check "systemctl status says that it is the configuration (78)" is ExecMainStatus 78
	check "a mistake in the configuration is no reason to start again" is ActiveState failed
	check "nor was it started again" is NRestarts 0
	sed -i '/^upstream:/,/^site:/ s|url: ""|url: http://127.0.0.1:8000|; /^site:/,/^tokens:/ s|url: ""|url: https://shop.example.com|' $config
	cp -p $config /checks/good.yaml
}

runs() {
	check "filled in, it starts at once" systemctl start cocart-gateway
	check "it reported that it is ready (Type=notify)" is ActiveState active
	check "systemctl status says what it does" is StatusText serving
	check "it answers" answers
	check "it reaches Redis and WordPress" admin readyz '"ready":true'
	check "it runs as its own user" process "^Uid:\s$(id -u cocart-gateway)\s"
	check "it has no capability" process '^CapEff:\s0+$'
	check "its system calls are filtered" process '^Seccomp:\s2$'
	check "it may write nothing of the machine" fails nsenter --mount --target "$(gateway)" touch /etc/cocart-gateway/written
	check "it sees no process but its own users'" fails nsenter --mount --target "$(gateway)" runuser -u cocart-gateway -- test -e /proc/1/stat
}

reloads() {
	since=$(date '+%F %T')
	check "systemctl reload works" systemctl reload cocart-gateway
	check "and is logged" logged 'msg="configuration reloaded" by=signal'
	echo 'log: {level: debug}' >>$config
	check "a change of the file is seen" logged "changed=[log.level]"
	configure 'nonsense: 1'
	check "systemctl reload fails with a mistake in the file" fails systemctl reload cocart-gateway
	check "the journal names the mistake" logged "nonsense: is unknown"
	check "so does systemctl status" has StatusText "the configuration was not reloaded, the log says why"
	check "the one before stays in force" answers
	check "and a metric says so" admin metrics 'config_last_reload_successful 0'
	configure
	check "the file put right is seen" is StatusText serving
}

stops_and_comes_back() {
	curl -s -m 20 -d hi http://127.0.0.1:8080/slow >/checks/slow &
	local slow=$!
	check "a slow request is on its way" admin metrics 'upstream_in_flight\{[^}]*\} 1'
	check "systemctl stop stops it" systemctl stop cocart-gateway
	wait $slow
	check "what was on its way is answered" grep -qx hi /checks/slow
	check "it ends with 0" is ExecMainStatus 0
	check "which systemd calls success" is Result success
	systemctl start cocart-gateway
	systemctl kill --signal=KILL cocart-gateway
	check "killed, it is started again" is NRestarts 1
	check "and answers" answers
	drop_in watchdog.conf '[Service]\nWatchdogSec=2\n'
	again
	kill -STOP "$(gateway)"
	check "standing still, it is started again by the watchdog" is NRestarts 1
	check "which the journal says" logged "Watchdog timeout"
	drop_in
	systemctl stop cocart-gateway
	systemd-run --quiet --unit=rival visitors shop 127.0.0.1:8080
	check "the port is taken" answers
	check "a start fails" fails again
	check "the journal says why" logged "address already in use"
	systemctl stop rival
	check "once the port is free it starts by itself" is StatusText serving
}

without_redis() {
	systemctl stop redis-server
	check "without Redis it goes on" answers
	check "and is not ready" admin readyz '"redis":"unavailable"'
	again
	check "it starts without Redis" is ActiveState active
	check "and says so" has StatusText "without having read the revocations from Redis yet"
	systemctl start redis-server
	check "until Redis is back" is StatusText serving
	check "and it is ready" admin readyz '"ready":true'
}

secrets() {
	cp -p /etc/cocart-gateway/upstream.secret /etc/cocart-gateway/signing-key.secret /checks/
	chown root:root /etc/cocart-gateway/*.secret
	chmod 600 /etc/cocart-gateway/*.secret
	check "secrets that only root may read keep it from starting" fails systemctl restart cocart-gateway
	drop_in credentials.conf
	sed 's|secret_file: \(.*\)|secret_file: "${CREDENTIALS_DIRECTORY}/\1"|' /checks/good.yaml >$config
	check "as credentials of systemd it gets them" systemctl restart cocart-gateway
	check "and reloads with them" systemctl reload cocart-gateway
	check "the check by hand works as documented" env CREDENTIALS_DIRECTORY=/etc/cocart-gateway cocart-gateway config check $config
	drop_in
	cp -p /checks/*.secret /etc/cocart-gateway/
	echo "SHOP_SECRET=$(cat /checks/upstream.secret)" >/etc/cocart-gateway/environment
	chmod 600 /etc/cocart-gateway/environment
	sed 's|secret_file: upstream.secret|secret: ${SHOP_SECRET}|' /checks/good.yaml >$config
	check "variables of the environment file are there" systemctl restart cocart-gateway
	check "and it reloads with them" systemctl reload cocart-gateway
	rm /etc/cocart-gateway/environment
}

sockets_of_its_own() {
	again 'listen: unix:/run/cocart-gateway/http.sock'
	check "it opens a unix socket below /run/cocart-gateway" answers --unix-socket /run/cocart-gateway/http.sock http://shop.example.com/
	again 'proxy_protocol: require' 'trusted_proxies: [127.0.0.1]'
	check "it reads the PROXY protocol" answers --haproxy-protocol http://127.0.0.1:8080/
}

tls_and_low_ports() {
	local tls='tls: {listen: ":443", redirect_from: ":80", certificates: [{certificate_file: shop.crt, key_file: shop.key}]}'
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 3 -subj /CN=shop.example.com \
		-addext subjectAltName=DNS:shop.example.com -keyout /etc/cocart-gateway/shop.key -out /etc/cocart-gateway/shop.crt 2>/checks/said
	chgrp cocart-gateway /etc/cocart-gateway/shop.key
	chmod 640 /etc/cocart-gateway/shop.key
	check "ports below 1024 are closed to it" fails again 'listen: []' "$tls"
	check "the journal says that it may not open port 443" logged "bind: permission denied"
	drop_in low-ports.conf
	again 'listen: []' "$tls"
	check "with low-ports.conf it serves 443" answers --cacert /etc/cocart-gateway/shop.crt --resolve shop.example.com:443:127.0.0.1 https://shop.example.com/
	check "and redirects from 80" curl -s -f --cacert /etc/cocart-gateway/shop.crt --connect-to ::127.0.0.1: --location http://shop.example.com/
	check "by one capability only" process '^CapEff:\s0+400$'
	drop_in
	again 'listen: []' 'tls: {listen: "127.0.0.1:8443", acme: {enabled: true, directory: "https://127.0.0.1:1/"}}'
	check "it keeps what ACME gives it where only it may read" is_private /var/lib/cocart-gateway/acme
}

socket_unit() {
	again
	configure 'listen: systemd' 'server: {drain_delay: 1s}'
	check "the socket unit is enabled while the gateway runs" systemctl enable cocart-gateway.socket
	check "and taken over by a restart" systemctl restart cocart-gateway
	check "systemd holds the port" is SubState running cocart-gateway.socket
	visitors come http://127.0.0.1:8080/ >/checks/orders 2>&1 &
	local visitors=$!
	check "visitors come" admin metrics 'http_requests_total\{[^}]*POST[^}]*\} [0-9]{2,}'
	check "restart under load" systemctl restart cocart-gateway
	check "and another one" systemctl restart cocart-gateway
	check "upgrade of the package under load" apt-get install -y /checks/new.deb
	check "the new version runs" admin metrics "version=\"$(cocart-gateway version | cut -d' ' -f2)\""
	kill -TERM $visitors
	check "no order was lost" wait $visitors
	echo "        $(cat /checks/orders)"
	mkdir -p /etc/systemd/system/cocart-gateway.socket.d
	printf '[Socket]\nListenStream=\nListenStream=/run/cocart-gateway.sock\nSocketMode=0660\nSocketGroup=www-data\n' >/etc/systemd/system/cocart-gateway.socket.d/unix.conf
	systemctl daemon-reload
	systemctl stop cocart-gateway.socket cocart-gateway
	systemctl start cocart-gateway
	local reach=(curl -s -d hi --unix-socket /run/cocart-gateway.sock http://shop.example.com/)
	check "a unix socket of the socket unit is the web server's to open" runuser -u www-data -- "${reach[@]}"
	check "and another user's" fails runuser -u nobody -- "${reach[@]}"
	systemctl restart cocart-gateway
	check "and outlives the service" runuser -u www-data -- "${reach[@]}"
	systemctl stop cocart-gateway.socket cocart-gateway
	rm -r /etc/systemd/system/cocart-gateway.socket.d
	systemctl daemon-reload
	systemctl start cocart-gateway
}

mistake_behind_the_socket() {
	configure 'listen: systemd' 'nonsense: 1'
	check "an upgrade goes through with a mistake in the configuration" apt-get install -y --reinstall /checks/new.deb
	check "and says that the gateway does not start" grep "cocart-gateway does not start: journalctl" /var/log/apt/term.log
	check "clients ask" fails answers
	check "clients do not start it for ever" is ActiveState failed cocart-gateway.socket
	configure 'listen: systemd'
	check "put right, it starts at once" systemctl start cocart-gateway
	check "and its socket with it" answers
}

removed() {
	check "apt removes the package" apt-get remove -y cocart-gateway
	check "nothing runs any more" is LoadState not-found
	check "nothing holds the port" fails answers
	check "the configuration stays" test -e $config
	rm -r $dropins # the administrator's own
	check "apt purges the package" apt-get purge -y cocart-gateway
	check "nothing of it is left but the account" fails left_over
}

main
