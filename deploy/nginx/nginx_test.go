// Package nginx_test sends requests through the examples, as Debian's nginx
// understands them.
package nginx_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"cocart-gateway/deploy/chain"
	"cocart-gateway/deploy/demo/child"
	"cocart-gateway/upstream/upstreamtest"
)

func TestNginxInFront(t *testing.T) {
	wp := upstreamtest.Start(t)
	g := chain.Start(t, wp.URL)
	secure, plain := inFront(t, g.Public)
	chain.Visit(t, wp, secure)
	chain.Shop(t, wp, g, secure)
	chain.Leaves(t, wp, secure)
	if status, location := chain.Redirect(t, plain, "/cart?x=%2F"); status != 308 || location != "https://shop.example/cart?x=%2F" {
		t.Errorf("plain http is sent to %d %s", status, location)
	}
}

// nginx asks no probes. With a socket of systemd it does not have to.
func TestNginxLosesNoRequestWhenTheGatewayRestarts(t *testing.T) {
	wp := upstreamtest.Start(t)
	r := chain.OnSocket(t, wp.URL)
	secure, _ := inFront(t, r.Public)
	chain.Restarts(t, wp, secure, r)
}

func TestNginxSendsNoPOSTTwice(t *testing.T) {
	b := chain.StartBreaker(t)
	secure, _ := inFront(t, b.Address)
	chain.Twice(t, b, secure)
}

// inFront runs the example in front of a gateway.
func inFront(t *testing.T, gateway string) (secure, plain string) {
	t.Helper()
	certificate, key := chain.Certificate(t)
	secure, plain = chain.FreeAddress(t), chain.FreeAddress(t)
	start(t, secure, chain.Example(t, "in-front.conf",
		"server 127.0.0.1:8080;", "server "+gateway+";",
		"listen 443 ssl", "listen "+secure+" ssl", "listen [::]:443 ssl http2;", "",
		"listen 80;", "listen "+plain+";", "listen [::]:80;", "",
		"shop.example.com", "shop.example",
		"/etc/ssl/certs/shop.example.com.pem", certificate, "/etc/ssl/private/shop.example.com.key", key))
	return secure, plain
}

func TestNginxBehind(t *testing.T) {
	site, socket := chain.PHP(t)
	address := chain.FreeAddress(t)
	start(t, address, chain.Example(t, "behind.conf",
		"127.0.0.1:8000 ", address+" ", "/var/www/html", site, "/run/php/php-fpm.sock", socket))
	chain.AskPHP(t, chain.Start(t, "http://"+address))
}

// start checks the configuration, then runs nginx with it. Around it stands
// what Debian's nginx.conf says, with folders of the test.
func start(t *testing.T, address, example string) {
	t.Helper()
	dir, account := t.TempDir(), ""
	if os.Geteuid() == 0 { // whose folders nobody else may enter
		account = "user root;\n"
	}
	if err := os.WriteFile(filepath.Join(dir, "example.conf"), []byte(example), 0o600); err != nil {
		t.Fatal(err)
	}
	config := filepath.Join(dir, "nginx.conf")
	text := account + "daemon off;\nworker_processes 1;\npid " + dir + "/pid;\nerror_log stderr;\nevents { worker_connections 64; }\nhttp {\n" +
		"access_log off;\ninclude /etc/nginx/mime.types;\n"
	for _, folder := range []string{"client_body", "proxy", "fastcgi", "uwsgi", "scgi"} {
		text += folder + "_temp_path " + filepath.Join(dir, folder) + ";\n"
	}
	// include looks beside nginx.conf, where fastcgi_params is not.
	if err := os.Symlink("/etc/nginx/fastcgi_params", filepath.Join(dir, "fastcgi_params")); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(config, []byte(text+"include example.conf;\n}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if said, err := exec.Command("/usr/sbin/nginx", "-t", "-q", "-c", config, "-e", "stderr").CombinedOutput(); err != nil || len(said) > 0 {
		t.Fatalf("nginx -t: %v\n%s", err, said)
	}
	chain.Run(t, child.Program{Name: "nginx", Args: []string{"/usr/sbin/nginx", "-c", config, "-e", "stderr"}}, address)
}
