package e2e

import (
	"bytes"
	"encoding/json"
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// clientDir has CoCart's published JavaScript library in a lock file, and a
// program that shops with it.
const clientDir = "testdata/client"

// shopping is what the program prints. The customer's items are those of the
// guest first.
const shopping = `
{"step":"products","status":200,"found":3}
{"step":"a guest adds an item","status":200,"cart":"a guest's","header":true,"items":["1 Plain Mug"]}
{"step":"the guest's cart","status":200,"cart":"a guest's","header":true,"items":["1 Plain Mug"]}
{"step":"a wrong password","status":401,"code":"cocart_authentication_error"}
{"step":"login","status":200,"user":"2","tokens":[3,128]}
{"step":"the guest's cart moves over","status":200,"cart":"2","header":false,"items":["1 Plain Mug"]}
{"step":"the customer adds an item","status":200,"cart":"2","header":false,"items":["1 Plain Mug","2 Paper Notebook"]}
{"step":"another quantity","status":200,"cart":"2","header":false,"items":["3 Plain Mug","2 Paper Notebook"]}
{"step":"more than there is","status":403,"code":"cocart_not_enough_in_stock"}
{"step":"an item goes","status":200,"cart":"2","header":false,"items":["3 Plain Mug"]}
{"step":"refresh beside a bad token","status":200,"keys":["token","refresh_token","token_type","expires_in"]}
{"step":"validate","status":200,"message":"Token is valid."}
{"step":"the cart with the new token","status":200,"cart":"2","header":false,"items":["3 Plain Mug"]}
{"step":"logout","status":200,"data":true}
{"step":"the cart afterwards","status":401,"code":"cocart_authentication_error"}
{"step":"refresh afterwards","status":401,"code":"cocart_authentication_error"}
{"step":"the cart by name and password","status":200,"cart":"2","header":false,"items":["3 Plain Mug"]}
{"step":"a bad token","status":401,"code":"cocart_authentication_error"}
`

func TestThePublishedJavaScriptLibraryShops(t *testing.T) {
	afterwards(t)
	g := startGateway(t, realRedis(t), "")
	site, authority := terminateTLS(t, g)
	dir := installClient(t)
	node := program(t, "node")
	customer := `{"username":"alice","password":"wonderland-1"}`
	shop := exec.CommandContext(t.Context(), node, filepath.Join(dir, "shop.mjs"), site, customer)
	shop.Env = []string{"NODE_EXTRA_CA_CERTS=" + authority} // and no proxy
	var complaints bytes.Buffer
	shop.Stderr = &complaints
	out, err := shop.Output()
	if err != nil {
		t.Fatalf("%v\n%s%s", err, out, complaints.Bytes())
	}
	got, want := strings.Split(strings.TrimSpace(string(out)), "\n"), strings.Split(strings.TrimSpace(shopping), "\n")
	if len(got) != len(want) {
		t.Fatalf("%d steps, want %d:\n%s", len(got), len(want), out)
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("got  %s\nwant %s", got[i], want[i])
		}
	}
}

// terminateTLS is the load balancer in front of the gateway: the library sends
// credentials over https only. It returns its address, and the file that says whom
// to trust for it.
func terminateTLS(t *testing.T, g *gateway) (site, authority string) {
	t.Helper()
	target, err := url.Parse(g.url)
	if err != nil {
		t.Fatal(err)
	}
	proxy := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(target)
		r.Out.Host = "shop.example"
		r.SetXForwarded()
	}}
	front := httptest.NewTLSServer(http.Handler(proxy))
	t.Cleanup(front.Close)
	authority = filepath.Join(t.TempDir(), "authority.pem")
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: front.Certificate().Raw})
	if err := os.WriteFile(authority, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return front.URL, authority
}

// installClient puts the library beside the program, in the versions and with the
// checksums of the lock file.
func installClient(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(clientDir)); err != nil {
		t.Fatal(err)
	}
	npm := exec.CommandContext(t.Context(), program(t, "npm"), "ci", "--prefer-offline")
	npm.Dir = dir
	if out, err := npm.CombinedOutput(); err != nil {
		t.Fatalf("npm ci: %v\n%s", err, out)
	}
	return dir
}

func program(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		t.Fatalf("%s is missing: deploy/demo/install.sh node", name)
	}
	return path
}

// What is installed is pinned by checksum; where it comes from is npm's affair.
func TestTheClientsLockFileNamesNoRegistry(t *testing.T) {
	text, err := os.ReadFile(clientDir + "/package-lock.json")
	if err != nil {
		t.Fatal(err)
	}
	var lock struct {
		Packages map[string]struct{ Version, Resolved, Integrity string }
	}
	if err := json.Unmarshal(text, &lock); err != nil {
		t.Fatal(err)
	}
	for name, p := range lock.Packages {
		if name != "" && (p.Integrity == "" || p.Version == "" || p.Resolved != "") {
			t.Errorf("%s: %+v", name, p)
		}
	}
}
