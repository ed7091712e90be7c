package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"text/template"
	"time"

	"cocart-gateway/deploy/demo/child"
)

// site is the shop as the gateway needs to know it.
type site struct {
	upstream string // where WordPress answers
	home     string // what WordPress believes its address is
}

// configuration is YAML; values are quoted as JSON, which YAML reads too.
var configuration = template.Must(template.New("gateway.yaml").Parse(`# Written by the demo at each start: changes here are lost.
listen: {{.Listen}}
admin:
  listen: {{.Admin}}
  token_file: {{.AdminToken}}
upstream:
  url: {{.Upstream}}
  secret: {{.UpstreamSecret}}
site:
  url: {{.Site}}
tokens:
  keys:
    - id: "demo"
      algorithm: "HS256"
      secret: {{.SigningSecret}}
  refresh_secret: {{.RefreshSecret}}
  access_ttl: 15m
cookies:
  enabled: true
{{if .App}}cors:
  origins: [{{.App}}]
  credentials: true
{{end}}redis:
  address: "embedded"
`))

// writeConfiguration returns the path of the gateway's configuration file.
func (o options) writeConfiguration(site site, secrets secrets) (string, error) {
	values := map[string]string{
		"Listen": fmt.Sprintf("127.0.0.1:%d", o.port), "Admin": fmt.Sprintf("127.0.0.1:%d", o.adminPort),
		"Upstream": site.upstream, "Site": site.home, "AdminToken": o.adminTokenFile(),
		"UpstreamSecret": secrets.Upstream, "SigningSecret": secrets.Signing, "RefreshSecret": secrets.Refresh,
	}
	if o.app != "" {
		values["App"] = o.app
	}
	for key, value := range values {
		quoted, err := json.Marshal(value)
		if err != nil {
			return "", err
		}
		values[key] = string(quoted)
	}
	var text strings.Builder
	if err := configuration.Execute(&text, values); err != nil {
		return "", err
	}
	file := filepath.Join(o.dir, "gateway", "gateway.yaml")
	return file, os.WriteFile(file, []byte(text.String()), 0o600)
}

// startGateway runs the gateway and waits until it says that it is ready.
func (d *demo) startGateway(ctx context.Context, site site, secrets secrets) error {
	d.progress("starting the gateway")
	file, err := d.options.writeConfiguration(site, secrets)
	if err != nil {
		return fmt.Errorf("writing the gateway's configuration: %w", err)
	}
	d.gateway, err = child.Start(child.Program{
		Name: "the gateway",
		Args: []string{d.options.gateway, "serve", "--config", file},
		Dir:  filepath.Dir(file),
		Log:  filepath.Join(d.options.dir, "gateway", "gateway.log"),
	}, d.died)
	if err != nil {
		return err
	}
	if d.shop == nil {
		d.progress("waiting for " + site.upstream)
	}
	ready := d.options.adminAddress() + "/readyz"
	var said string
	err = d.gateway.Ready(ctx, func() bool {
		status, body := ask(ctx, ready)
		said = body
		return status == http.StatusOK
	})
	if err != nil {
		return fmt.Errorf("%w\n%s says: %s", err, ready, said)
	}
	if d.shop == nil {
		return d.awaitPlugin(ctx, site, ready)
	}
	return nil
}

// awaitPlugin waits until the must-use plugin of an existing shop answers, and prints what is missing until then. A person
// installs it by hand, so only Ctrl-C or the end of the gateway ends the wait.
func (d *demo) awaitPlugin(ctx context.Context, site site, ready string) error {
	again := time.NewTicker(time.Second)
	defer again.Stop()
	var printed string
	for {
		_, body := ask(ctx, ready)
		missing := missingOf(body, site.upstream)
		if missing == "" {
			return nil
		}
		if missing != printed && ctx.Err() == nil {
			d.progress(missing)
			printed = missing
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case err := <-d.died:
			return err
		case <-again.C:
		}
	}
}

// missingOf returns what an answer of /readyz still lacks, or "" if logins work.
func missingOf(body, upstream string) string {
	var state struct {
		WordPress, Plugin string
	}
	switch err := json.Unmarshal([]byte(body), &state); {
	case err != nil:
		return "not ready: " + body
	case state.WordPress != "ok":
		return "not ready: WordPress does not answer at " + upstream
	case state.Plugin == "not seen":
		return "not ready: waiting for the plugin and the secret in " + upstream + ", as written above; logins fail without them"
	}
	return ""
}

// existingSite asks a shop for its own address, by which it judges the gateway's assertions. It waits for a shop that does not
// run yet, until Ctrl-C. A shop that does not name its address is taken to live where it was reached.
func (d *demo) existingSite(ctx context.Context, upstream string) (site, error) {
	status, body := ask(ctx, upstream+"/index.php?rest_route=/&_fields=home")
	if status == 0 && ctx.Err() == nil {
		d.progress("not ready: start the web server of the shop, or correct UPSTREAM: " + body)
	}
	again := time.NewTicker(time.Second)
	defer again.Stop()
	for status == 0 {
		select {
		case <-ctx.Done():
			return site{}, ctx.Err()
		case <-again.C:
			status, body = ask(ctx, upstream+"/index.php?rest_route=/&_fields=home")
		}
	}
	var index struct{ Home string }
	if json.Unmarshal([]byte(body), &index) != nil || index.Home == "" {
		d.progress(upstream + "/index.php?rest_route=/ is not the index of a WordPress: is UPSTREAM the web server of the shop?")
		return site{upstream, upstream}, nil
	}
	return site{upstream, index.Home}, nil
}

// client follows no redirect: a shop may send its own address away from here.
var client = &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}

// ask returns status 0 and the reason if there is no answer.
func ask(ctx context.Context, address string) (int, string) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return 0, err.Error()
	}
	response, err := client.Do(request)
	if err != nil {
		return 0, err.Error()
	}
	defer response.Body.Close()
	body, _ := io.ReadAll(io.LimitReader(response.Body, 1<<20))
	return response.StatusCode, strings.TrimSpace(string(body))
}
