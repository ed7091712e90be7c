package main

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"cocart-gateway/deploy/demo/shop"
)

// install runs the script on a machine whose files are below root.
func install(t *testing.T, root string, args ...string) (code int, output string) {
	t.Helper()
	cmd := exec.Command("./install.sh", args...)
	cmd.Env = append(os.Environ(), "ROOT="+root)
	text, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode(), string(text)
}

func TestInstallNamesWhatIsMissing(t *testing.T) {
	code, output := install(t, t.TempDir(), "shop", "redis", "browser", "node", "wordpress-next", "prometheus")
	want := `Missing on this machine:
  nginx (Debian package nginx-light, file /usr/sbin/nginx)
  php (Debian package php-cli, file /usr/bin/php)
  php-fpm (Debian package php-fpm, file /usr/sbin/php-fpm[0-9]*)
  PHP extension mysqli (Debian package php-mysql, file /usr/lib/php/*/mysqli.so)
  PHP extension mbstring (Debian package php-mbstring, file /usr/lib/php/*/mbstring.so)
  PHP extension xml (Debian package php-xml, file /usr/lib/php/*/xml.so)
  PHP extension curl (Debian package php-curl, file /usr/lib/php/*/curl.so)
  mariadbd (Debian package mariadb-server-core, file /usr/sbin/mariadbd)
  mariadb-install-db (Debian package mariadb-server-core, file /usr/bin/mariadb-install-db)
  WordPress (Debian package wordpress, file /usr/share/wordpress/wp-settings.php)
  curl (Debian package curl, file /usr/bin/curl)
  a WordPress theme (Debian package wordpress-theme-twentytwentyone, file /usr/share/wordpress/wp-content/themes/twentytwenty*/style.css)
  redis-server (Debian package redis-server, file /usr/bin/redis-server)
  Chromium (Debian package chromium, file /usr/bin/chromium)
  Node.js (Debian package nodejs, file /usr/bin/node)
  npm (Debian package npm, file /usr/bin/npm)
  WordPress 6.8 or later, of Debian trixie (unpacked into /usr/local/share/cocart-gateway/wordpress-trixie by this script)
  WordPress 7.1 or later, of Debian sid (unpacked into /usr/local/share/cocart-gateway/wordpress-sid by this script)
  prometheus (Debian package prometheus, file /usr/bin/prometheus)
  promtool (Debian package prometheus, file /usr/bin/promtool)
On Debian, as root:
  apt-get install --no-install-recommends nginx-light php-cli php-fpm php-mysql php-mbstring php-xml php-curl mariadb-server-core wordpress curl wordpress-theme-twentytwentyone redis-server chromium nodejs npm prometheus php
  ./install.sh wordpress-next
Elsewhere: install these programs by the system's own means, at the paths named above.
`
	if code != 1 || output != want {
		t.Errorf("exit %d\n%s\nwant 1 and\n%s", code, output, want)
	}
}

func TestInstallNamesOnlyWhatIsMissing(t *testing.T) {
	root := t.TempDir()
	place(t, root, "/usr/bin/redis-server")
	code, output := install(t, root, "--list", "php", "redis")
	want := `Missing on this machine:
  php (Debian package php-cli, file /usr/bin/php)
On Debian, as root:
  apt-get install --no-install-recommends php-cli
Elsewhere: install these programs by the system's own means, at the paths named above.
`
	if code != 1 || output != want {
		t.Errorf("exit %d\n%s\nwant 1 and\n%s", code, output, want)
	}
}

// Debian 13 has no package wordpress-theme-twentytwentyone, so one name for all would fail there. Its buildah needs netavark.
func TestInstallNamesWhatTheDebianHas(t *testing.T) {
	for release, theme := range map[string]string{"12.11": "twentytwentyone", "13.8": "twentytwentyfive", "forky/sid": "twentytwentyfive"} {
		root := t.TempDir()
		put(t, root, "/etc/debian_version", release+"\n")
		if _, output := install(t, root, "shop"); !strings.Contains(output, " wordpress-theme-"+theme+" ") {
			t.Errorf("Debian %s, want %s:\n%s", release, theme, output)
		}
		if _, output := install(t, root, "packages"); strings.Contains(output, " netavark ") != (theme == "twentytwentyfive") {
			t.Errorf("Debian %s, netavark for buildah after 12 only:\n%s", release, output)
		}
		put(t, root, "/usr/share/wordpress/wp-content/themes/"+theme+"/style.css", "")
		if _, output := install(t, root, "shop"); strings.Contains(output, "theme") {
			t.Errorf("Debian %s with %s:\n%s", release, theme, output)
		}
	}
}

func TestInstallKnowsWhatTheRaceDetectorNeeds(t *testing.T) {
	code, output := install(t, t.TempDir(), "--list", "race")
	want := `  apt-get install --no-install-recommends gcc libc6-dev
`
	if code != 1 || !strings.Contains(output, want) {
		t.Errorf("exit %d\n%s\nwant 1 and\n%s", code, output, want)
	}
}

func TestInstallNamesTheNewerWordPressesAlone(t *testing.T) {
	code, output := install(t, t.TempDir(), "wordpress-next")
	want := `Missing on this machine:
  WordPress 6.8 or later, of Debian trixie (unpacked into /usr/local/share/cocart-gateway/wordpress-trixie by this script)
  WordPress 7.1 or later, of Debian sid (unpacked into /usr/local/share/cocart-gateway/wordpress-sid by this script)
On Debian, as root:
  ./install.sh wordpress-next
Elsewhere: install these programs by the system's own means, at the paths named above.
`
	if code != 1 || output != want {
		t.Errorf("exit %d\n%s\nwant 1 and\n%s", code, output, want)
	}
}

// The script and the shop agree on where the newer WordPresses are, and on how old they may be.
func TestInstallKnowsWhichNewerWordPressesAreThere(t *testing.T) {
	root := t.TempDir()
	unpacked := func(w shop.NewerWordPress, version string) {
		put(t, root, w.Dir()+"/wp-includes/version.php", "<?php\n$wp_version = '"+version+"';\n")
	}
	for _, w := range shop.NewerWordPresses {
		unpacked(w, w.Oldest)
	}
	if code, output := install(t, root, "wordpress-next"); code != 0 || output != "" {
		t.Errorf("all of them: exit %d: %s", code, output)
	}
	sid := shop.NewerWordPresses[len(shop.NewerWordPresses)-1]
	for version, missing := range map[string]bool{"7.0.12": true, "6.10": true, "7.1.4": false, "7.10": false, "10.0": false, "7.1-RC2": false, "": true} {
		unpacked(sid, version)
		code, output := install(t, root, "wordpress-next")
		if named := strings.Contains(output, "of Debian sid (unpacked"); named != missing || (code == 0) == missing || strings.Contains(output, "trixie") {
			t.Errorf("%q: exit %d: %s", version, code, output)
		}
	}
}

func TestInstallIsQuietWhereAllIsThere(t *testing.T) {
	root := t.TempDir()
	place(t, root, "/usr/bin/redis-server")
	place(t, root, "/usr/bin/php")
	if code, output := install(t, root, "php", "redis"); code != 0 || output != "" {
		t.Errorf("exit %d: %s", code, output)
	}
}

func TestInstallRefusesAWrongCommandLine(t *testing.T) {
	for args, want := range map[string]string{"": "usage:", "pictures": "no such group: pictures"} {
		if code, output := install(t, t.TempDir(), strings.Fields(args)...); code != 2 || !strings.Contains(output, want) {
			t.Errorf("%q: exit %d: %s", args, code, output)
		}
	}
}

func place(t *testing.T, root, file string) {
	t.Helper()
	put(t, root, file, "")
}

func put(t *testing.T, root, file, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(root+file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(root+file, []byte(content), 0o755); err != nil {
		t.Fatal(err)
	}
}

func TestInstallKnowsWhatTheTestsOfAReleaseNeed(t *testing.T) {
	code, output := install(t, t.TempDir(), "--list", "packages")
	want := `  apt-get install --no-install-recommends dpkg git rpm lintian man-db bash-completion fish zsh minisign systemd procps strace buildah ca-certificates nginx-light php-fpm caddy haproxy apache2-bin
`
	if code != 1 || !strings.Contains(output, want) {
		t.Errorf("exit %d\n%s\nwant 1 and\n%s", code, output, want)
	}
}
