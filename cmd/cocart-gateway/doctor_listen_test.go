package main

import (
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"cocart-gateway/cmd/cocart-gateway/certs/certstest"
	"cocart-gateway/cmd/cocart-gateway/doctor"
)

// listenerLines is what doctor says of the listeners, and of the way to WordPress.
func (p *practice) listenerLines(t *testing.T) string {
	t.Helper()
	out := newOutput()
	run(t.Context(), []string{"doctor", "--json", "--config", p.write(t)}, noEnv, out, out)
	var answer doctor.Report
	if err := json.Unmarshal([]byte(out.String()), &answer); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	var lines []string
	for _, c := range answer.Checks {
		found, _, _ := strings.Cut(c.Found, " in ")
		switch {
		case c.ID == "wordpress.reachable":
			lines = append(lines, string(c.Status)+" "+c.ID+": "+found)
		case c.Group == "listeners" && c.ID != "listeners.descriptors": // which depends on the machine
			lines = append(lines, strings.TrimSuffix(fmt.Sprintf("%s %s: %s → %s", c.Status, c.ID, c.Found, c.Advice), " → "))
		}
	}
	return expiry.ReplaceAllString(strings.Join(lines, "\n"), "TIME")
}

// expiry is when a certificate of these tests ends.
var expiry = regexp.MustCompile(`\d{4}-\d\d-\d\dT[0-9:]+Z`)

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
	g := openGolden(t, "doctor/listeners.golden")
	g.check(t, "addresses of each kind", said.Replace(p.listenerLines(t)))

	socketOf(t, at("free"), http.NotFoundHandler())
	p.admin, p.more = freeAddress(t), ""
	lines := strings.Replace(said.Replace(p.listenerLines(t)), p.admin, "ADMIN", 1)
	g.check(t, "a socket of another program", lines)
}

// A running gateway says how many file descriptors it may use; the doctor's own shell may differ.
func TestTheDoctorComparesFileDescriptorsWithConnections(t *testing.T) {
	for _, row := range []struct {
		descriptors, connections, want string
	}{
		{"4096", "10000", "limits.connections is 10000, but the process may use only 4096 file descriptors: clients are not answered when they are in use." +
			" → Raise LimitNOFILE of the unit (ulimit -n, --ulimit nofile) to 10700, or lower limits.connections."},
		{"65536", "10000", ""},
		{"1.048576e+06", "1048000", "limits.connections is 1048000, but the process may use only 1048576 file descriptors: clients are not answered when they are in use." +
			" → Raise LimitNOFILE of the unit (ulimit -n, --ulimit nofile) to 1048700, or lower limits.connections."},
		{"4096", "0", ""},
	} {
		p := openPractice(t)
		admin := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			fmt.Fprintf(w, "cocart_gateway_build_info{version=%q} 1\nprocess_max_fds %s\n", version, row.descriptors)
		}))
		p.admin, p.more = strings.TrimPrefix(admin.URL, "http://"), "limits: {connections: "+row.connections+"}\n"
		_, r, _ := p.examine(t)
		admin.Close()
		got := ""
		for _, c := range r.Checks {
			if c.ID == "listeners.descriptors" {
				got = c.Found + " → " + c.Advice
			}
		}
		if got != row.want {
			t.Errorf("%+v:\ngot %s", row, got)
		}
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
