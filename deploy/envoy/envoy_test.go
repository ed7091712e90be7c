// Package envoy_test checks the example with Envoy's definitions of its configuration. No package registry that the tests use has
// an Envoy to run it with.
package envoy_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"cocart-gateway/deploy/chain"
)

// check runs the program beside this test on a configuration.
func check(t *testing.T, program, text string) (out []byte, err error) {
	t.Helper()
	return exec.Command(program, chain.Write(t, "envoy.yaml", text)).Output() //nolint:gosec // our own words
}

func build(t *testing.T) (program string) {
	t.Helper()
	program = filepath.Join(t.TempDir(), "check")
	cmd := exec.Command("go", "build", "-o", program, ".") //nolint:gosec // our own words
	cmd.Dir, cmd.Env = "check", append(os.Environ(), "CGO_ENABLED=0")
	if said, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("building the check: %v\n%s", err, said)
	}
	return program
}

func TestEnvoyKnowsEveryWordOfTheExample(t *testing.T) {
	program := build(t)
	out, err := check(t, program, chain.Example(t, "envoy.yaml"))
	if err != nil {
		t.Fatalf("%v\n%s", err, err.(*exec.ExitError).Stderr) //nolint:errorlint,forcetypeassert // Output gives no other
	}
	keepsItsPromises(t, out)
	for _, mistake := range [][2]string{
		{"stream_idle_timeout: 360s", "stream_idle_timeouts: 360s"},       // of an extension
		{"connect_timeout: 5s", "connect_timeout: -5s"},                   // out of range
		{"lb_policy: LEAST_REQUEST", "lb_policy: LEAST_REQUESTS"},         // of no such name
		{"max_request_headers_kb: 64", "max_request_headers_kb: 1000000"}, // out of range, in an extension
		{"http.router.v3.Router}", "http.router.v3.Route}"},               // no such extension
	} {
		if _, err := check(t, program, chain.Example(t, "envoy.yaml", mistake[0], mistake[1])); err == nil {
			t.Errorf("%q is not noticed", mistake[1])
		}
	}
}

// config is what of the configuration has to fit the gateway.
type config struct {
	Resources struct {
		Listeners []struct {
			Name   string
			Chains []struct {
				Filters []struct {
					Config manager `json:"typed_config"`
				}
			} `json:"filter_chains"`
		}
		Clusters []struct {
			Checks []struct {
				HTTP struct{ Path string } `json:"http_health_check"`
			} `json:"health_checks"`
			Protocols map[string]struct {
				Common struct {
					Idle string `json:"idle_timeout"`
				} `json:"common_http_protocol_options"`
			} `json:"typed_extension_protocol_options"`
		}
	} `json:"static_resources"`
}

type manager struct {
	UseRemoteAddress bool   `json:"use_remote_address"`
	StreamIdle       string `json:"stream_idle_timeout"`
	Routes           struct {
		Hosts []struct {
			Routes []struct {
				Route struct {
					Timeout string
					Retry   struct {
						On string `json:"retry_on"`
					} `json:"retry_policy"`
				}
			}
		} `json:"virtual_hosts"`
	} `json:"route_config"`
}

// keepsItsPromises checks what the comments in the example say about the gateway.
func keepsItsPromises(t *testing.T, out []byte) {
	t.Helper()
	var c config
	if err := json.Unmarshal(out, &c); err != nil {
		t.Fatal(err)
	}
	shop := c.Resources.Listeners[1].Chains[0].Filters[0].Config
	route := shop.Routes.Hosts[0].Routes[0].Route
	if !shop.UseRemoteAddress || route.Retry.On != "connect-failure" || route.Timeout != "0s" || seconds(t, shop.StreamIdle) <= 5*time.Minute {
		t.Errorf("in front of the gateway: %+v", shop)
	}
	cluster := c.Resources.Clusters[0]
	if cluster.Checks[0].HTTP.Path != "/servez" {
		t.Errorf("it asks %+v", cluster.Checks)
	}
	const gateway = 75 * time.Second // server.idle_timeout
	for name, p := range cluster.Protocols {
		if !strings.Contains(name, "HttpProtocolOptions") || seconds(t, p.Common.Idle) >= gateway {
			t.Errorf("%s keeps connections for %s", name, p.Common.Idle)
		}
	}
}

func seconds(t *testing.T, text string) time.Duration {
	t.Helper()
	d, err := time.ParseDuration(text)
	if err != nil {
		t.Fatal(err)
	}
	return d
}
