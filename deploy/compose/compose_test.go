// Package compose_test reads compose.yaml as docker compose does. That its
// images start together only a machine with docker and a registry can show.
package compose_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"
	"gopkg.in/yaml.v3"

	"cocart-gateway/deploy/chain"
	"cocart-gateway/deploy/demo/child"
)

type service struct {
	Image       string
	Ports       []struct{ Target int }
	Networks    map[string]any
	Secrets     []struct{ Source string }
	Volumes     []struct{ Type, Source string }
	Environment map[string]string
	Command     []string
	HealthCheck struct{ Test []string }
}

type project struct {
	Services map[string]service
	Secrets  map[string]struct{ File string }
	Networks map[string]struct {
		Internal bool
		IPAM     struct {
			Config []struct{ Subnet, Gateway string }
		}
	}
}

func load(t *testing.T, site string) (p project, err error) {
	t.Helper()
	cmd := exec.Command("go", "run", ".", "../compose.yaml")
	cmd.Dir, cmd.Env = "check", os.Environ()
	if site != "" {
		cmd.Env = append(cmd.Env, "SITE_URL="+site)
	}
	text, err := cmd.Output()
	if err != nil {
		return p, err
	}
	return p, json.Unmarshal(text, &p)
}

func TestComposeFile(t *testing.T) {
	p, err := load(t, "https://shop.example.com")
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for name := range p.Services {
		names = append(names, name)
	}
	slices.Sort(names)
	if want := []string{"database", "gateway", "grafana", "prometheus", "redis", "wordpress"}; !slices.Equal(names, want) {
		t.Fatalf("services %v, want %v", names, want)
	}
	for name, s := range p.Services {
		if !regexp.MustCompile(`:v?\d+\.\d+\.\d+(-[a-z0-9.-]+)?$`).MatchString(s.Image) {
			t.Errorf("%s: %s is not one certain version", name, s.Image)
		}
		if len(s.HealthCheck.Test) == 0 && name != "gateway" { // whose image has one
			t.Errorf("%s has no health check", name)
		}
		for _, v := range s.Volumes {
			checkMount(t, name, v.Type, v.Source)
		}
	}
	onlyByTheGateway(t, p)
	secretsAreFiles(t, p)
}

func checkMount(t *testing.T, name, kind, source string) {
	t.Helper()
	if _, err := os.Stat(source); kind == "bind" && err != nil {
		t.Errorf("%s mounts what is not there: %v", name, err)
	}
}

// onlyByTheGateway: WordPress publishes nothing and shares networks with none
// but the gateway and its database; so does Redis.
func onlyByTheGateway(t *testing.T, p project) {
	t.Helper()
	for name, want := range map[string][]string{"wordpress": {"database", "gateway"}, "redis": {"gateway"}, "database": {"wordpress"}} {
		if ports := p.Services[name].Ports; len(ports) > 0 {
			t.Errorf("%s is open to the machine: %v", name, ports)
		}
		var near []string
		for other, s := range p.Services {
			for network := range s.Networks {
				if _, shared := p.Services[name].Networks[network]; shared && other != name {
					near = append(near, other)
				}
			}
		}
		slices.Sort(near)
		if !slices.Equal(near, want) {
			t.Errorf("%s is reached by %v, want %v", name, near, want)
		}
	}
	if ports := p.Services["gateway"].Ports; len(ports) != 1 || ports[0].Target != 8080 {
		t.Errorf("the gateway publishes %v, want 8080 and not the admin listener", ports)
	}
	if !p.Networks["sessions"].Internal || !p.Networks["data"].Internal {
		t.Error("Redis or the database may call out")
	}
}

func secretsAreFiles(t *testing.T, p project) {
	t.Helper()
	for name, s := range p.Services {
		for key, value := range s.Environment {
			if strings.Contains(key, "PASSWORD") && !strings.HasPrefix(value, "/run/secrets/") && key != "MARIADB_RANDOM_ROOT_PASSWORD" {
				t.Errorf("%s has a secret in %s", name, key)
			}
		}
		for _, secret := range s.Secrets {
			if p.Secrets[secret.Source].File == "" {
				t.Errorf("%s wants the secret %s, which is no file", name, secret.Source)
			}
		}
	}
}

// TestRedisTellsNobodyItsPassword runs the command of the service with a real
// redis-server, which must ask for the password and show it in no command line.
func TestRedisTellsNobodyItsPassword(t *testing.T) {
	p, err := load(t, "https://shop.example.com")
	if err != nil {
		t.Fatal(err)
	}
	const password = "0123456789abcdef0123456789abcdef"
	address := chain.FreeAddress(t)
	_, port, _ := strings.Cut(address, ":")
	redis := p.Services["redis"].Command
	if len(redis) != 3 || !strings.Contains(redis[2], "docker-entrypoint.sh redis-server - ") {
		t.Fatalf("the command of Redis: %q", redis)
	}
	redis[2] = strings.NewReplacer("docker-entrypoint.sh redis-server - ", "redis-server - --bind 127.0.0.1 --port "+port+" --dir "+t.TempDir()+" ",
		"/run/secrets/redis_password", chain.Write(t, "redis_password", password), "$$", "$").Replace(redis[2])
	chain.Run(t, child.Program{Name: "redis-server", Args: redis}, address)
	for _, word := range []string{"", password} {
		client := goredis.NewClient(&goredis.Options{Addr: address, Password: word})
		defer client.Close()
		if err := client.Ping(t.Context()).Err(); (err == nil) != (word == password) {
			t.Errorf("with the password %q: %v", word, err)
		}
	}
	lines, err := exec.Command("ps", "-eo", "args").CombinedOutput()
	if err != nil || !strings.Contains(string(lines), ":"+port) || strings.Contains(string(lines), password) {
		t.Errorf("the command lines of this machine (%v):\n%s", err, lines)
	}
}

// TestTheGatewayFitsItsNeighbours: it trusts docker's address in the network that
// is reached from outside, and closes connections before Apache does.
func TestTheGatewayFitsItsNeighbours(t *testing.T) {
	p, err := load(t, "https://shop.example.com")
	if err != nil {
		t.Fatal(err)
	}
	var gateway struct {
		Trusted  []string `yaml:"trusted_proxies"`
		Upstream struct {
			Idle        time.Duration `yaml:"idle_timeout"`
			Concurrency struct{ Limit int }
		}
	}
	text, err := os.ReadFile("gateway.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if err := yaml.Unmarshal(text, &gateway); err != nil {
		t.Fatal(err)
	}
	front := p.Networks["front"].IPAM.Config
	if len(front) != 1 || !slices.Equal(gateway.Trusted, []string{front[0].Gateway}) {
		t.Errorf("trusted are %v, the network is %+v", gateway.Trusted, front)
	}
	const apache = 5 * time.Second // KeepAliveTimeout of the image
	if idle := gateway.Upstream.Idle; idle <= 0 || idle >= apache || gateway.Upstream.Concurrency.Limit == 0 {
		t.Errorf("before Apache: %+v", gateway.Upstream)
	}
}

func TestComposeWantsTheAddressOfTheShop(t *testing.T) {
	t.Setenv("SITE_URL", "")
	if _, err := load(t, ""); err == nil {
		t.Error("it starts a shop without an address")
	}
}

// TestSecretsAndConfigurationFitEachOther runs secrets.sh, twice, and has the
// gateway check its configuration with what it made.
func TestSecretsAndConfigurationFitEachOther(t *testing.T) {
	dir := t.TempDir()
	script, err := os.ReadFile("secrets.sh")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "secrets.sh"), script, 0o700); err != nil {
		t.Fatal(err)
	}
	contents := func() (all string) {
		t.Helper()
		if text, err := exec.Command(filepath.Join(dir, "secrets.sh")).CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, text)
		}
		for _, name := range []string{"gateway_upstream", "gateway_signing_key", "redis_password", "database_password", "grafana_admin"} {
			text, err := os.ReadFile(filepath.Join(dir, "secrets", name))
			if err != nil || len(text) != 64 {
				t.Fatalf("%s: %d digits, %v", name, len(text), err)
			}
			all += string(text)
		}
		return all
	}
	if first := contents(); contents() != first {
		t.Error("a second run made other secrets")
	}
	config := chain.Write(t, "config.yaml", chain.Example(t, "gateway.yaml", "/run/secrets/", filepath.Join(dir, "secrets")+"/"))
	cmd := exec.Command(chain.Build(t), "config", "check", config)
	cmd.Env = append(os.Environ(), "SITE_URL=https://shop.example.com")
	if text, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, text)
	}
}
