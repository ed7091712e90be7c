#!/bin/sh
# Installs what a demo shop or the tests need from Debian, and only what is missing.
#
#   deploy/demo/install.sh GROUP…        install the missing packages of these groups
#   deploy/demo/install.sh --list GROUP… only say what is missing, exit 1 if anything is
#
# Groups: shop (WordPress, PHP, MariaDB, nginx), php (the PHP command line), redis,
# browser (Chromium), prometheus (Prometheus and its promtool), node (Node.js and npm),
# wordpress-next (newer WordPresses for tests: that of the Debian after this one, and today's;
# unpacked below /usr/local, beside Debian's own, which stays), packages (what the tests of
# deploy/ need to install, run and judge what a release is made of), bench (the programs that make
# bench runs and compares with), race (the C compiler
# without which go test has no -race), systemd (a machine with a systemd of its own, for make
# test-systemd).
# No service is started or enabled, and one that is already set up is left as it is.
# ROOT=DIR looks for the files below DIR instead of /; nothing is installed then.
set -eu

root=${ROOT:-}
policy=/usr/sbin/policy-rc.d
# Each is a Debian release and the oldest WordPress that will do; one that is older is fetched anew. Today's is sid's:
# whatever becomes of a package on its way, sid has it, while forky has none for weeks when a bug keeps it out.
next_releases="trixie=6.8 sid=7.1"
next_wordpress=/usr/local/share/cocart-gateway/wordpress
list_only=
scratch=

main() {
	if [ "${1:-}" = --list ]; then list_only=yes; shift; fi
	[ $# -gt 0 ] || usage
	missing= packages= fetch=
	for group in "$@"; do needs "$group"; done
	[ -n "$missing" ] || exit 0
	[ -z "$list_only" ] && [ -z "$root" ] || explain "Missing on this machine:"
	is_debian || explain "This machine is not a Debian, so nothing could be installed. Missing:"
	become_root "$@"
	install_packages
	for release in $fetch; do fetch_next_wordpress "$release"; done
	missing= packages= fetch=
	for group in "$@"; do needs "$group"; done
	[ -z "$missing" ] || explain "Debian's packages were installed, and yet these are missing:"
}

usage() {
	echo "usage: $0 [--list] GROUP…   (groups: shop, php, redis, browser, node, wordpress-next, prometheus, packages, bench, race, systemd)" >&2
	exit 2
}

# needs GROUP adds what the group lacks to $missing (one line each) and $packages.
needs() {
	case $1 in
	shop)
		need nginx nginx-light /usr/sbin/nginx
		need php php-cli /usr/bin/php
		need php-fpm php-fpm '/usr/sbin/php-fpm[0-9]*'
		need "PHP extension mysqli" php-mysql '/usr/lib/php/*/mysqli.so'
		need "PHP extension mbstring" php-mbstring '/usr/lib/php/*/mbstring.so'
		need "PHP extension xml" php-xml '/usr/lib/php/*/xml.so'
		need "PHP extension curl" php-curl '/usr/lib/php/*/curl.so'
		need mariadbd mariadb-server-core /usr/sbin/mariadbd
		need mariadb-install-db mariadb-server-core /usr/bin/mariadb-install-db
		need WordPress wordpress /usr/share/wordpress/wp-settings.php
		need curl curl /usr/bin/curl
		need "a WordPress theme" "$(theme)" '/usr/share/wordpress/wp-content/themes/twentytwenty*/style.css'
		;;
	php) need php php-cli /usr/bin/php ;;
	libraries) need phpseclib php-phpseclib3 /usr/share/php/phpseclib3/autoload.php ;; # of an example in HOOKS.md
	redis) need redis-server redis-server /usr/bin/redis-server ;;
	browser) need Chromium chromium /usr/bin/chromium ;;
	node)
		need Node.js nodejs /usr/bin/node
		need npm npm /usr/bin/npm
		;;
	wordpress-next) need_next_wordpress ;;
	prometheus)
		need prometheus prometheus /usr/bin/prometheus
		need promtool prometheus /usr/bin/promtool
		;;
	packages)
		need dpkg dpkg /usr/bin/dpkg
		need git git /usr/bin/git
		need rpm rpm /usr/bin/rpm
		need lintian lintian /usr/bin/lintian
		need man man-db /usr/bin/man
		need "completions of bash" bash-completion /usr/share/bash-completion/bash_completion
		need fish fish /usr/bin/fish
		need zsh zsh /usr/bin/zsh
		need minisign minisign /usr/bin/minisign
		need systemd-analyze systemd /usr/bin/systemd-analyze
		need systemd-socket-activate systemd /usr/bin/systemd-socket-activate
		need kill procps /usr/bin/kill
		need strace strace /usr/bin/strace
		need buildah buildah /usr/bin/buildah
		# Debian 12's buildah works without it. Later ones build no image then, and apt only recommends it.
		is_debian_12 || need "netavark for buildah" netavark /usr/lib/podman/netavark
		need "certificates of authorities" ca-certificates /etc/ssl/certs/ca-certificates.crt
		need nginx nginx-light /usr/sbin/nginx
		need php-fpm php-fpm '/usr/sbin/php-fpm[0-9]*'
		need caddy caddy /usr/bin/caddy
		need haproxy haproxy /usr/sbin/haproxy
		need Apache apache2-bin /usr/sbin/apache2
		;;
	bench)
		need redis-server redis-server /usr/bin/redis-server
		need nginx nginx-light /usr/sbin/nginx
		need haproxy haproxy /usr/sbin/haproxy
		;;
	race)
		need gcc gcc /usr/bin/gcc
		need "headers of the C library" libc6-dev /usr/include/stdlib.h
		;;
	systemd)
		need debootstrap debootstrap /usr/sbin/debootstrap
		need systemd-nspawn systemd-container /usr/bin/systemd-nspawn
		;;
	*)
		echo "$0: no such group: $1 (there are: shop, php, libraries, redis, browser, node, wordpress-next, prometheus, packages, bench, race, systemd)" >&2
		exit 2
		;;
	esac
}

# need WHAT PACKAGE PATTERN: a look at files, because asking apt or PHP takes long.
need() {
	for file in "$root"$3; do
		if [ -e "$file" ]; then return 0; fi
	done
	missing="$missing  $1 (Debian package $2, file $3)
"
	case " $packages " in *" $2 "*) ;; *) packages="$packages $2" ;; esac
}

# theme names the package of a theme. Each Debian has those of its own WordPress only; Debian 13 dropped the one of Debian 12.
theme() {
	if is_debian_12; then echo wordpress-theme-twentytwentyone; else echo wordpress-theme-twentytwentyfive; fi
}

# is_debian_12 takes a machine that is no Debian for one.
is_debian_12() {
	case $(cat "$root/etc/debian_version" 2>/dev/null) in
	'' | 12.*) ;;
	*) return 1 ;;
	esac
}

need_next_wordpress() {
	for one in $next_releases; do
		if is_at_least "${one#*=}" "$(wordpress_version "$root$next_wordpress-${one%=*}")"; then continue; fi
		missing="$missing  WordPress ${one#*=} or later, of Debian ${one%=*} (unpacked into $next_wordpress-${one%=*} by this script)
"
		fetch="$fetch ${one%=*}"
	done
}

# wordpress_version DIRECTORY: nothing if there is none.
wordpress_version() {
	[ ! -e "$1/wp-includes/version.php" ] || sed -n "s/^\$wp_version = '\([0-9.]*\).*/\1/p" "$1/wp-includes/version.php"
}

# is_at_least OLDEST VERSION
is_at_least() {
	[ -n "$2" ] && [ "$(printf '%s\n' "$1" "$2" | sort -V | head -n 1)" = "$1" ]
}

explain() {
	{
		echo "$1"
		printf '%s' "$missing"
		echo "On Debian, as root:"
		[ -z "$packages" ] || echo "  apt-get install --no-install-recommends$(companions)"
		[ -z "$fetch" ] || echo "  $0 wordpress-next"
		echo "Elsewhere: install these programs by the system's own means, at the paths named above."
	} >&2
	exit 1
}

# The package wordpress asks for "apache2 | httpd" and "libapache2-mod-php | php":
# naming the second ones keeps Apache away.
companions() {
	case " $packages " in
	*" wordpress "*) echo "$packages nginx-light php-fpm php" | tr ' ' '\n' | awk 'NF && !seen[$0]++ { printf " %s", $0 }' ;;
	*) printf '%s' "$packages" ;;
	esac
}

is_debian() {
	[ -e /etc/debian_version ] && command -v apt-get >/dev/null
}

become_root() {
	[ "$(id -u)" -ne 0 ] || return 0
	if command -v sudo >/dev/null && sudo -n true 2>/dev/null; then
		exec sudo -n -- "$0" "$@"
	fi
	explain "Not root here, and sudo asks for a password, so nothing could be installed. Missing:"
}

install_packages() {
	scratch=$(mktemp -d)
	trap clean_up EXIT
	trap 'exit 1' HUP INT TERM
	[ -n "$packages" ] || return 0
	echo "Installing from Debian:$(companions)"
	hold_services
	enabled_services >"$scratch/enabled"
	apt_install >"$scratch/apt" 2>&1 || {
		# Package lists are absent on a fresh machine, and go stale on an old one.
		apt_update >"$scratch/apt" 2>&1 && apt_install >"$scratch/apt" 2>&1
	} || {
		tail -n 25 "$scratch/apt" >&2
		explain "apt-get failed, see above. Missing:"
	}
	disable_new_services
}

apt_install() {
	# shellcheck disable=SC2046 # a list of words on purpose
	DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends \
		-o DPkg::Lock::Timeout=600 -o Dpkg::Use-Pty=0 $(companions)
}

# apt-get update does not wait for the lock of the lists by itself.
apt_update() {
	tries=0
	until apt-get update --quiet=2; do
		tries=$((tries + 1))
		[ $tries -lt 10 ] || return 1
		sleep 3
	done
}

# hold_services forbids packages to start their services while they are installed.
hold_services() {
	[ ! -e $policy ] || return 0
	: >"$scratch/policy-is-ours"
	printf '#!/bin/sh\nexit 101\n' >$policy
	chmod 755 $policy
}

clean_up() {
	if [ -e "$scratch/policy-is-ours" ]; then rm -f $policy; fi
	rm -rf "$scratch"
}

enabled_services() {
	find /etc/systemd/system -path '*.wants/*' -printf '%f\n' 2>/dev/null | sort -u
	find /etc/rc2.d -name 'S*' -printf '%f\n' 2>/dev/null | sed 's/^S[0-9]*//' | sort -u
}

# disable_new_services: what these packages have just enabled shall not run after a reboot.
disable_new_services() {
	enabled_services | grep -vxF -f "$scratch/enabled" | while read -r name; do
		case $name in
		*.target) ;; # of systemd itself, and nothing that runs
		*.service | *.timer | *.socket) ! command -v systemctl || systemctl --no-reload disable "$name" ;;
		*) update-rc.d "$name" disable ;;
		esac >/dev/null 2>&1 || echo "could not disable the service $name" >&2
	done || true
}

# fetch_next_wordpress RELEASE takes the package of another Debian, by an apt with lists of its own, from the mirror
# this machine uses, and only unpacks it: nothing of the system changes. PHPMailer is a package of its own in newer
# ones, and no password can be changed without it. What else the package links to in others (scripts of wp-admin,
# readers of audio files) is left out, but for the certificates.
fetch_next_wordpress() {
	to=$next_wordpress-$1 work=$scratch/$1
	mkdir -p "$work/lists/partial" "$work/archives/partial" "$work/tree"
	from=$(mirror) || explain "The sources of apt name no Debian mirror. Missing:"
	echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg target=Packages] $from $1 main" >"$work/sources.list"
	{ download_wordpress && unpack_wordpress; } >"$work/apt" 2>&1 || {
		tail -n 25 "$work/apt" >&2
		explain "WordPress of Debian $1 could not be fetched, see above. Missing:"
	}
	echo "Unpacked WordPress $(wordpress_version "$to") of Debian $1 into $to"
	rm -rf "$work"
}

# download_wordpress: what the lists name may be gone from the mirror by the time it is asked for. Sid changes daily.
download_wordpress() {
	tries=0
	until next_apt update --quiet=2 --error-on=any && (cd "$work" && next_apt download wordpress libphp-phpmailer); do
		tries=$((tries + 1))
		[ $tries -lt 5 ] || return 1
		sleep 3
	done
}

next_apt() {
	apt-get -o Dir::State::lists="$work/lists" -o Dir::Cache="$work" -o Dir::Etc::sourcelist="$work/sources.list" \
		-o Dir::Etc::sourceparts=- -o APT::Sandbox::User=root -o Acquire::Languages=none "$@"
}

mirror() {
	apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' | grep -m 1 '/debian/$'
}

# unpack_wordpress puts the directory there in one step: half of one is never taken for a whole one.
unpack_wordpress() {
	for package in "$work"/*.deb; do dpkg-deb --extract "$package" "$work/tree" || return; done
	wordpress=$work/tree/usr/share/wordpress
	rm -rf "$wordpress/.htaccess" "$to.part" &&
		find "$wordpress" -xtype l -delete &&
		mkdir -p "$(dirname "$to")" &&
		cp -rL --preserve=mode "$wordpress" "$to.part" &&
		cp -r /usr/share/wordpress/wp-content/themes/. "$to.part/wp-content/themes/" &&
		chmod 755 "$to.part" &&
		rm -rf "$to" &&
		mv "$to.part" "$to"
}

main "$@"
