package shop_test

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"cocart-gateway/deploy/demo/shop"
)

func TestPHPRunsInTheShop(t *testing.T) {
	freshShop(t)
	if got := php(t, `echo home_url(), ' ', wp_get_environment_type();`); got != theShop.URL+" local" {
		t.Errorf("PHP prints %q", got)
	}
	php(t, `wp_set_password( 'another-1', 2 );`)
	if got := post(loginPath, "", asAlice).send(t).refusal(); got != "401 cocart_authentication_error" {
		t.Errorf("the old password: %s", got)
	}
	if got := post(loginPath, "", basic("alice", "another-1")).send(t).refusal(); got != "200" {
		t.Errorf("the new password: %s", got)
	}
}

func TestPHPThatFailsSaysWhy(t *testing.T) {
	rows := map[string]string{
		`throw new Exception( 'no luck' );`: "no luck",
		`this is not PHP`:                   "syntax error",
		`echo 'so far'; exit( 0 );`:         "it ended early",
		`wp_die( 'no more' );`:              "no more",
	}
	for code, want := range rows {
		if _, err := theShop.PHP(context.Background(), code); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want an error about %q", code, err, want)
		}
	}
}

func TestResetForgetsEverything(t *testing.T) {
	freshShop(t)
	php(t, `wp_set_password( 'x', 2 ); wp_delete_user( 3 ); wp_insert_user( array( 'user_login' => 'dave', 'user_pass' => 'x' ) ); update_user_meta( 2, COCART_STANDIN_2FA, '1' ); set_transient( 'kept', 'x', 3600 );`)
	read[cart](t, post(addPath, `{"id":"12"}`, basic("alice", "x")).send(t))
	if err := theShop.Reset(context.Background()); err != nil {
		t.Fatal(err)
	}
	got := php(t, `foreach ( get_users( array( 'orderby' => 'ID' ) ) as $u ) { echo "$u->ID $u->user_login $u->user_email $u->display_name ", implode( ',', $u->roles ), "\n"; }`)
	want := "1 admin admin@example.com admin administrator\n2 alice alice@example.com Alice Liddell customer\n3 bob bob@example.com Bob Builder customer\n4 carol carol@example.com Carol Symbols customer\n"
	if got != want {
		t.Errorf("accounts\n%s\nwant\n%s", got, want)
	}
	if kept := php(t, `echo json_encode( get_transient( 'kept' ) );`); kept != "false" {
		t.Errorf("a transient is still %s", kept)
	}
	for _, who := range [][2]string{asAlice, asBob} {
		if count := read[cart](t, get(cartPath, who).send(t)).Count; count != 0 {
			t.Errorf("a cart still has %d items", count)
		}
	}
	if got := post(loginPath, "", asAlice).send(t).refusal(); got != "200" {
		t.Errorf("alice's login: %s", got)
	}
}

func TestConfigureIsSeenByTheNextRequest(t *testing.T) {
	configure(t, func(c *shop.Config) {
		c.SiteURL, c.Secret, c.Required, c.Environment = "https://shop.example/store", `it's a \ secret`, true, "staging"
		c.Constants = map[string]any{"DEMO_LIST": []string{"a'b", `c\d`}, "DEMO_NUMBER": 7}
	})
	got := php(t, `echo json_encode( array( home_url(), COCART_GATEWAY_SECRET, COCART_GATEWAY_REQUIRED, wp_get_environment_type(), DEMO_LIST, DEMO_NUMBER ), JSON_UNESCAPED_SLASHES );`)
	if want := `["https://shop.example/store","it's a \\ secret",true,"staging",["a'b","c\\d"],7]`; got != want {
		t.Errorf("WordPress sees %s\nwant %s", got, want)
	}
	for _, version := range []string{"4.8", "4.9", "4.7"} {
		configure(t, func(c *shop.Config) { c.CoCart = version })
		if got := read[map[string]any](t, get("/?rest_route=/cocart/v2/store").send(t))["version"]; got != version {
			t.Errorf("imitated version %v, want %s", got, version)
		}
	}
}

func TestTheMustUsePluginIsInstalledAndReplaced(t *testing.T) {
	for _, word := range []string{"first", "second"} {
		configure(t, func(c *shop.Config) { c.Plugin = []byte(fmt.Sprintf("<?php header( 'X-Plugin: %s' );", word)) })
		if got := get("/wp-json/").send(t).Header.Get("X-Plugin"); got != word {
			t.Errorf("the plugin says %q, want %q", got, word)
		}
	}
	configure(t, func(c *shop.Config) { c.Plugin = nil })
	if got := get("/wp-json/").send(t).Header.Get("X-Plugin"); got != "" {
		t.Errorf("a plugin that is not there says %q", got)
	}
	if err := theShop.MustUse("../evil.php", []byte("<?php")); err == nil {
		t.Error("a file outside of the plugin directory was written")
	}
}

func TestPagesAreServedUnderTheSiteURL(t *testing.T) {
	for target, want := range map[string]int{"/": 200, "/hello-world/": 200, "/wp-login.php": 200, "/nothing-here/": 404, "/wp-includes/css/dashicons.min.css": 200} {
		if got := get(target).send(t).Status; got != want {
			t.Errorf("%s: %d, want %d", target, got, want)
		}
	}
	if got := get("/hello-world").send(t).Header.Get("Location"); got != theShop.URL+"/hello-world/" {
		t.Errorf("redirected to %q", got)
	}
	if got := get("/wp-admin").send(t).Header.Get("Location"); got != "/wp-admin/" {
		t.Errorf("nginx redirects to %q, want a path that is right behind a gateway too", got)
	}
}

func TestAShopIsRefused(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	rows := []struct {
		name   string
		config shop.Config
		want   string
	}{
		{"where another one runs", shop.Config{Dir: theShop.Dir}, fmt.Sprintf("another shop runs there (process %d)", os.Getpid())},
		{"on a port in use", shop.Config{Dir: otherDir(), Port: listener.Addr().(*net.TCPAddr).Port}, "address already in use"},
		{"in a relative directory", shop.Config{Dir: "here"}, "use an absolute path"},
		{"in a directory with quotes", shop.Config{Dir: `/var/tmp/it's`}, "plain characters"},
		{"in a very deep directory", shop.Config{Dir: "/var/tmp/" + strings.Repeat("x", 80)}, "longer than 80 bytes"},
		{"in a file", shop.Config{Dir: file}, "not a directory"},
	}
	if os.Getuid() == 0 { // anybody else runs the shop as himself, and may pass his own directories
		private := filepath.Join(t.TempDir(), "private")
		if err := os.Mkdir(private, 0o700); err != nil {
			t.Fatal(err)
		}
		rows = append(rows, struct {
			name   string
			config shop.Config
			want   string
		}{"behind a private directory", shop.Config{Dir: private + "/shop"}, "www-data may not pass " + private})
	}
	for _, row := range rows {
		s, err := shop.Start(context.Background(), row.config)
		if err == nil {
			t.Errorf("%s: it started: %v", row.name, s.Stop())
		} else if !strings.Contains(err.Error(), row.want) {
			t.Errorf("%s: %v, want %q", row.name, err, row.want)
		}
	}
}

func TestAStartThatIsInterruptedLeavesNothingRunning(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	config := shop.Config{Dir: otherDir(), Progress: func(what string) {
		if what == "starting PHP" {
			cancel()
		}
	}}
	if s, err := shop.Start(ctx, config); err == nil {
		t.Fatalf("it started: %v", s.Stop())
	}
	config.Progress = nil
	start(t, config)
}

// The port was free when it was chosen.
func TestAPortThatSomebodyElseTookMeanwhileIsLeftToThem(t *testing.T) {
	taken := ""
	s := start(t, shop.Config{Dir: otherDir(), Progress: func(what string) {
		if what != "starting nginx" {
			return
		}
		config, err := os.ReadFile(filepath.Join(otherDir(), "etc/nginx.conf"))
		if err != nil {
			t.Fatal(err)
		}
		taken = string(regexp.MustCompile(`127\.0\.0\.1:\d+`).Find(config))
		other, err := net.Listen("tcp", taken)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { other.Close() })
	}})
	if s.URL == "http://"+taken {
		t.Errorf("the shop says that it is at %s, where somebody else is", taken)
	}
	if got, err := s.PHP(context.Background(), `echo home_url();`); got != s.URL || err != nil {
		t.Errorf("WordPress takes itself for %q, %v", got, err)
	}
}

// WordPress's account must not be able to lead root astray.
func TestALinkOutOfTheShopIsNotFollowed(t *testing.T) {
	outside := t.TempDir()
	php(t, fmt.Sprintf(`rename( WPMU_PLUGIN_DIR, WPMU_PLUGIN_DIR . '-before' ); symlink( '%s', WPMU_PLUGIN_DIR );`, outside))
	err := theShop.MustUse("stray.php", []byte("<?php"))
	php(t, `unlink( WPMU_PLUGIN_DIR ); rename( WPMU_PLUGIN_DIR . '-before', WPMU_PLUGIN_DIR );`)
	if err == nil {
		t.Error("a file was written through the link")
	}
	if files, _ := os.ReadDir(outside); len(files) != 0 {
		t.Errorf("outside of the shop there is now %v", files)
	}
}
