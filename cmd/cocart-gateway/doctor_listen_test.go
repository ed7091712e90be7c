package main

import (
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"cocart-gateway/cmd/cocart-gateway/certs/certstest"
)

// listenerLines is what doctor says of the listeners, and of the way to WordPress.
func (p *practice) listenerLines(t *testing.T) string {
	t.Helper()
	out := newOutput()
	run(t.Context(), []string{"doctor", "--json", "--config", p.write(t)}, noEnv, out, out)
	var answer report
	if err := json.Unmarshal([]byte(out.String()), &answer); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	var lines []string
	for _, c := range answer.Checks {
		found, _, _ := strings.Cut(c.Found, " in ")
		switch {
		case c.ID == "wordpress.reachable":
			lines = append(lines, string(c.Status)+" "+c.ID+": "+found)
		case c.Group == "listeners":
			lines = append(lines, strings.TrimSuffix(fmt.Sprintf("%s %s: %s → %s", c.Status, c.ID, c.Found, c.Advice), " → "))
		}
	}
	return strings.Join(lines, "\n")
}

// A gateway between two unix sockets, with TLS beside them and a socket of systemd's.
func TestTheDoctorLooksAtListenersOfEveryKind(t *testing.T) {
	i := certstest.NewAuthority(t)
	i.Issue("shop", certstest.Host("shop.example"))
	dir := t.TempDir()
	at := func(name string) string { return "unix:" + filepath.Join(dir, name) }
	p := openPractice(t)
	socketOf(t, at("shop"), p.Config.Handler)
	socketOf(t, at("admin"), http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, "cocart_gateway_build_info{version=%q} 1\n", version)
	}))
	dead, err := net.ListenUnix("unix", &net.UnixAddr{Name: filepath.Join(dir, "dead"), Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	dead.SetUnlinkOnClose(false)
	dead.Close()
	replaceFile(t, filepath.Join(dir, "file"), "precious")

	p.upstream, p.admin, p.listen = at("shop"), at("admin"), at("free")
	redirect, secure := freeAddress(t), freeAddress(t)
	p.more = fmt.Sprintf("tls: {listen: [%q, \"systemd:tls\", %q], redirect_from: [%q, %q, %q], certificates: %s}\n",
		secure, at("dead"), redirect, at("gone/s"), at("file"), pairs(i, "shop"))
	said := strings.NewReplacer("unix:"+dir+"/", "DIR/", secure, "SECURE", redirect, "REDIRECT")
	if got := said.Replace(p.listenerLines(t)); got != strings.TrimSpace(`
ok listeners.public: listen DIR/free is free.
ok listeners.tls.0: tls.listen[0] SECURE is free.
ok listeners.tls.1: tls.listen[1] systemd:tls comes from systemd when it starts the gateway.
ok listeners.tls.2: tls.listen[2] DIR/dead is free.
ok listeners.redirect.0: tls.redirect_from[0] REDIRECT is free.
problem listeners.redirect.1: Nobody can listen on tls.redirect_from[1] DIR/gone/s: no such file or directory. → Write the path of a socket in an existing folder, as in unix:/run/cocart-gateway/http.sock.
problem listeners.redirect.2: Nobody can listen on tls.redirect_from[2] DIR/file: the file exists and is not a socket; it is not removed. → Write the path of a socket in an existing folder, as in unix:/run/cocart-gateway/http.sock.
ok listeners.admin: admin.listen DIR/admin is held by a running gateway.
ok wordpress.reachable: WordPress answers at DIR/shop`) {
		t.Errorf("got\n%s", got)
	}

	socketOf(t, at("free"), http.NotFoundHandler())
	p.admin, p.more = freeAddress(t), ""
	want := "problem listeners.public: listen DIR/free is held by another program. → End the program that listens there, or write another path.\n"
	if got := said.Replace(p.listenerLines(t)); !strings.HasPrefix(got, want) {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// socketOf serves on a unix socket.
func socketOf(t *testing.T, address string, h http.Handler) {
	t.Helper()
	l, err := net.Listen("unix", strings.TrimPrefix(address, "unix:"))
	if err != nil {
		t.Fatal(err)
	}
	s := &httptest.Server{Listener: l, Config: &http.Server{Handler: h}}
	s.Start()
	t.Cleanup(s.Close)
}
