package config

import (
	"path/filepath"
	"strings"

	"github.com/prometheus/exporter-toolkit/web"
	"gopkg.in/yaml.v3"

	"cocart-gateway/cmd/cocart-gateway/config/schema"
)

// Metrics is a listener for /metrics alone, with TLS and passwords. The admin listener serves /metrics as well.
type Metrics struct {
	Listen    []string // as in Config.Listen; empty: none
	WebConfig string   // the absolute path of a web configuration file of Prometheus; set if Listen is
}

func metricsKeys(c *Metrics) schema.Entry {
	return schema.Block("metrics",
		schema.OneOrMore("listen", &c.Listen, nil, listenAddress().Like(":9100")),
		schema.File("web_config_file", &c.WebConfig))
}

// checkMetrics requires a protection of the listener, and reads it: exporter-toolkit reads the file again for each
// connection, and then a mistake would show to Prometheus only.
func checkMetrics(c *Config, r *schema.Reader) {
	m := &c.Metrics
	if !r.Sound("metrics") {
		return
	}
	switch {
	case len(m.Listen) == 0 && m.WebConfig == "":
		return
	case len(m.Listen) == 0:
		r.Reject(r.At("metrics.web_config_file"), "is given, but metrics.listen is empty", "requires a listener that uses it", `write e.g. listen: ":9100" in the block metrics`)
		return
	case m.WebConfig == "":
		r.Reject(r.At("metrics.listen"), "is given without metrics.web_config_file", "requires TLS or a password: admin.listen serves /metrics without",
			"name a web configuration file of Prometheus in web_config_file")
		return
	}
	if found := m.mistake(r); found != "" {
		r.Reject(r.At("metrics.web_config_file"), "names "+schema.Printable(m.WebConfig)+", which "+found,
			"must be a web configuration file of Prometheus with tls_server_config, basic_auth_users or both", "correct the file")
	}
}

// mistake returns what is wrong with the file, on one line, or "". The library accepts a file without any protection.
func (m Metrics) mistake(r *schema.Reader) string {
	text, unreadable := r.File(m.WebConfig, schema.MaxSecretFile)
	if unreadable != nil {
		return unreadable.Value
	}
	var protection struct {
		TLS   map[string]any    `yaml:"tls_server_config"`
		Users map[string]string `yaml:"basic_auth_users"`
	}
	broken := yaml.Unmarshal(text, &protection)
	for _, key := range []string{"cert_file", "key_file", "client_ca_file"} { // the library would wait for a pipe
		path, _ := protection.TLS[key].(string)
		if !filepath.IsAbs(path) {
			path = filepath.Join(filepath.Dir(m.WebConfig), path)
		}
		if schema.IsSpecial(path) {
			return "names " + schema.Printable(path) + " as " + key + ", which is not a regular file"
		}
	}
	if err := web.Validate(m.WebConfig); err != nil {
		return "cannot be used: " + strings.Join(strings.Fields(err.Error()), " ")
	}
	if broken != nil || len(protection.TLS)+len(protection.Users) == 0 {
		return "protects nothing"
	}
	return ""
}
