package helm

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"cocart-gateway/cmd/cocart-gateway/certs/certstest"
	"cocart-gateway/cmd/cocart-gateway/config"
)

// at returns a part of an object by names and numbers of items, or nil.
func at(v any, path ...any) any {
	for _, p := range path {
		switch p := p.(type) {
		case string:
			o, _ := v.(object)
			v = o[p]
		case int:
			list, _ := v.([]any)
			if p >= len(list) {
				return nil
			}
			v = list[p]
		}
	}
	return v
}

// one returns the only object of a kind, or of a kind and name.
func one(t *testing.T, all []object, kind string, name ...string) object {
	t.Helper()
	var found []object
	for _, o := range all {
		if o["kind"] == kind && (len(name) == 0 || at(o, "metadata", "name") == name[0]) {
			found = append(found, o)
		}
	}
	if len(found) != 1 {
		t.Fatalf("%d objects are a %s %v", len(found), kind, name)
	}
	return found[0]
}

func is(t *testing.T, o any, want any, path ...any) {
	t.Helper()
	if got := at(o, path...); !reflect.DeepEqual(got, want) {
		t.Errorf("%v is %v, want %v", path, got, want)
	}
}

// TestGatewaysHaveNoPrivileges covers the Pod of "helm test" as well.
func TestGatewaysHaveNoPrivileges(t *testing.T) {
	for _, values := range valuesFiles(t, "values") {
		all := objectsOf(t, template(t, values))
		for _, pod := range []any{at(one(t, all, "Deployment"), "spec", "template", "spec"), at(one(t, all, "Pod"), "spec")} {
			is(t, pod, object{"runAsNonRoot": true, "runAsUser": 65532, "runAsGroup": 65532, "fsGroup": 65532, "seccompProfile": object{"type": "RuntimeDefault"}}, "securityContext")
			is(t, pod, object{"allowPrivilegeEscalation": false, "readOnlyRootFilesystem": true, "capabilities": object{"drop": []any{"ALL"}}}, "containers", 0, "securityContext")
			is(t, pod, false, "automountServiceAccountToken")
			is(t, pod, nil, "containers", 1)
		}
	}
}

// The paths are those of gateway/admin, and an end waits for the requests in flight.
func TestProbesAndTheEndFitTheConfiguration(t *testing.T) {
	for values, want := range map[string]struct{ public, admin, grace int }{
		"least": {8080, 9090, 40}, "ingress": {8081, 9091, 105},
	} {
		all := objectsOf(t, template(t, "testdata/values/"+values+".yaml"))
		pod := at(one(t, all, "Deployment"), "spec", "template", "spec")
		is(t, pod, want.grace, "terminationGracePeriodSeconds")
		is(t, pod, []any{object{"name": "http", "containerPort": want.public}, object{"name": "admin", "containerPort": want.admin}}, "containers", 0, "ports")
		is(t, pod, object{"path": "/healthz", "port": "admin"}, "containers", 0, "livenessProbe", "httpGet")
		is(t, pod, object{"path": "/servez", "port": "admin"}, "containers", 0, "readinessProbe", "httpGet")
	}
}

// The durations are those that the gateway reads, fractions included.
func TestTheEndIsNeverShorterThanTheConfigurationSays(t *testing.T) {
	for _, row := range []struct {
		delay, timeout string
		grace          int
	}{{"2.5s", "30.0s", 38}, {"10.25s", "2.0m", 136}, {"500ms", "1m0.2s", 67}, {"0", "1h", 3605}} {
		all := objectsOf(t, template(t, "testdata/values/least.yaml", "--set-string", "config.server.drain_delay="+row.delay,
			"--set-string", "config.server.shutdown_timeout="+row.timeout))
		is(t, one(t, all, "Deployment"), row.grace, "spec", "template", "spec", "terminationGracePeriodSeconds")
	}
}

func TestPublicServiceDoesNotReachTheAdminListener(t *testing.T) {
	for _, values := range valuesFiles(t, "values") {
		all := objectsOf(t, template(t, values))
		name := at(one(t, all, "Deployment"), "metadata", "name").(string)
		public, admin := one(t, all, "Service", name), one(t, all, "Service", name+"-admin")
		pods := at(one(t, all, "Deployment"), "spec", "template", "metadata", "labels").(object)
		for _, service := range []object{public, admin} {
			for key, value := range at(service, "spec", "selector").(object) {
				is(t, pods, value, key)
			}
		}
		ports := []any{object{"name": "http", "port": 80, "targetPort": "http"}}
		if filepath.Base(values) == "tls.yaml" {
			ports = append(ports, object{"name": "https", "port": 443, "targetPort": "https"})
		}
		is(t, public, ports, "spec", "ports")
		is(t, admin, "ClusterIP", "spec", "type")
		if reflect.DeepEqual(at(one(t, all, "Pod"), "metadata", "labels", "app.kubernetes.io/component"), at(public, "spec", "selector", "app.kubernetes.io/component")) {
			t.Error("the Service would send requests to the doctor")
		}
	}
}

// The port called http is the redirect where the gateways end TLS.
func TestGatewaysThatEndTLSAreReached(t *testing.T) {
	all := objectsOf(t, template(t, "testdata/values/tls.yaml"))
	ports := at(one(t, all, "Deployment"), "spec", "template", "spec", "containers", 0, "ports")
	is(t, ports, []any{object{"name": "http", "containerPort": 8080}, object{"name": "https", "containerPort": 8443}, object{"name": "admin", "containerPort": 9090}})
	is(t, one(t, all, "NetworkPolicy"), []any{object{"port": "http", "protocol": "TCP"}, object{"port": "https", "protocol": "TCP"}}, "spec", "ingress", 0, "ports")
}

// Prometheus reads the listener that is for it alone, and then does not reach the administration API.
func TestPrometheusReadsTheListenerForMetrics(t *testing.T) {
	all := objectsOf(t, template(t, "testdata/values/metrics.yaml"))
	ports := at(one(t, all, "Deployment"), "spec", "template", "spec", "containers", 0, "ports")
	is(t, ports, []any{object{"name": "http", "containerPort": 8080}, object{"name": "admin", "containerPort": 9090}, object{"name": "metrics", "containerPort": 9101}})
	is(t, one(t, all, "Service", "shop-cocart-gateway-admin"), object{"name": "metrics", "port": 9100, "targetPort": "metrics"}, "spec", "ports", 1)
	is(t, one(t, all, "ServiceMonitor"), []any{object{"port": "metrics", "path": "/metrics", "interval": "30s", "scrapeTimeout": "10s", "scheme": "https",
		"tlsConfig": object{"ca": object{"secret": object{"name": "metrics", "key": "ca.crt"}}, "serverName": "shop.example.com"},
		"basicAuth": object{"username": object{"name": "metrics", "key": "user"}, "password": object{"name": "metrics", "key": "password"}}}}, "spec", "endpoints")
	policy := one(t, all, "NetworkPolicy")
	release := object{"podSelector": object{"matchLabels": object{"app.kubernetes.io/name": "cocart-gateway", "app.kubernetes.io/instance": "shop"}}}
	prometheus := object{"namespaceSelector": object{"matchLabels": object{"kubernetes.io/metadata.name": "monitoring"}}}
	is(t, policy, []any{
		object{"ports": []any{object{"port": "http", "protocol": "TCP"}}},
		object{"ports": []any{object{"port": "admin", "protocol": "TCP"}}, "from": []any{release}},
		object{"ports": []any{object{"port": "metrics", "protocol": "TCP"}}, "from": []any{release, prometheus}},
	}, "spec", "ingress")
	without := objectsOf(t, template(t, "testdata/values/gateway-api.yaml"))
	is(t, one(t, without, "ServiceMonitor"), []any{object{"port": "admin", "path": "/metrics", "interval": "30s", "scrapeTimeout": "10s"}}, "spec", "endpoints")
}

func TestNumberOfGatewaysDecidesWhatGuardsThem(t *testing.T) {
	least := objectsOf(t, template(t, "testdata/values/least.yaml"))
	is(t, one(t, least, "Deployment"), 2, "spec", "replicas")
	is(t, one(t, least, "PodDisruptionBudget"), 1, "spec", "maxUnavailable")
	scaled := objectsOf(t, template(t, "testdata/values/ingress.yaml"))
	is(t, one(t, scaled, "Deployment"), nil, "spec", "replicas") // the autoscaler's
	is(t, one(t, scaled, "HorizontalPodAutoscaler"), 6, "spec", "maxReplicas")
	for _, o := range objectsOf(t, template(t, "testdata/values/gateway-api.yaml")) {
		if o["kind"] == "PodDisruptionBudget" {
			t.Error("a single gateway would keep its node from being drained")
		}
	}
}

func TestRoutesHaveTheNameOfTheShop(t *testing.T) {
	ingress := one(t, objectsOf(t, template(t, "testdata/values/ingress.yaml")), "Ingress")
	is(t, ingress, "shop.example.com", "spec", "rules", 0, "host")
	is(t, ingress, "shop-cocart-gateway", "spec", "rules", 0, "http", "paths", 0, "backend", "service", "name")
	route := one(t, objectsOf(t, template(t, "testdata/values/gateway-api.yaml")), "HTTPRoute")
	is(t, route, []any{"shop.example.com", "*.shop.example.com"}, "spec", "hostnames")
	shops := one(t, objectsOf(t, template(t, "testdata/values/shops.yaml")), "Ingress")
	is(t, shops, "toys.example", "spec", "rules", 0, "host")
	is(t, shops, "books.example", "spec", "rules", 1, "host")
	is(t, route, object{"name": "shop-tokens", "port": 80}, "spec", "rules", 0, "backendRefs", 0)
}

// Only Prometheus and this release reach the admin listener, and the gateway reaches only what is listed.
func TestNetworkPolicyClosesWhatIsNotListed(t *testing.T) {
	policy := one(t, objectsOf(t, template(t, "testdata/values/ingress.yaml")), "NetworkPolicy")
	is(t, policy, []any{"Ingress", "Egress"}, "spec", "policyTypes")
	is(t, policy, "admin", "spec", "ingress", 1, "ports", 0, "port")
	is(t, policy, "monitoring", "spec", "ingress", 1, "from", 1, "namespaceSelector", "matchLabels", "kubernetes.io/metadata.name")
	if rules := at(policy, "spec", "egress").([]any); len(rules) != 3 || at(rules[0], "ports", 0, "port") != 53 {
		t.Errorf("egress is %v", rules)
	}
	open := one(t, objectsOf(t, template(t, "testdata/values/gateway-api.yaml")), "NetworkPolicy")
	is(t, open, []any{object{}}, "spec", "egress")
	is(t, open, object{"matchLabels": object{"app.kubernetes.io/name": "cocart-gateway", "app.kubernetes.io/instance": "shop"}}, "spec", "ingress", 1, "from", 0, "podSelector")
}

func TestImageIsThatOfTheChartOrThatOfTheValues(t *testing.T) {
	for values, want := range map[string]string{
		"least":   "cocart-gateway:0.1.0",
		"ingress": "registry.example.com/cocart-gateway@sha256:" + strings.Repeat("0123456789abcdef", 4),
	} {
		all := objectsOf(t, template(t, "testdata/values/"+values+".yaml"))
		is(t, one(t, all, "Deployment"), want, "spec", "template", "spec", "containers", 0, "image")
		is(t, one(t, all, "Pod"), want, "spec", "containers", 0, "image")
	}
}

// TestGatewayAcceptsTheConfiguration reads each ConfigMap as the gateway does, with secrets where the Secret is mounted.
func TestGatewayAcceptsTheConfiguration(t *testing.T) {
	const mounted = "/run/secrets/cocart-gateway"
	tls := certstest.NewAuthority(t)
	tls.Issue("tls", certstest.Host("shop.example.com"))
	for _, values := range valuesFiles(t, "values") {
		all := objectsOf(t, template(t, values))
		is(t, one(t, all, "Deployment"), mounted, "spec", "template", "spec", "containers", 0, "volumeMounts", 1, "mountPath")
		dir := t.TempDir()
		for _, name := range []string{"upstream", "signing-key", "admin", "books-upstream", "books-signing-key"} {
			write(t, filepath.Join(dir, name), fmt.Sprintf("%s of the shop, which is long enough", name))
		}
		write(t, filepath.Join(dir, "metrics.web.yaml"), "basic_auth_users: {prometheus: $2y$10$/4wuXv.L7jkq6XOoOzkiF.fyWZVY4FcKMkX1j7RVcCgWVLaiE/sMe}\n")
		text := at(one(t, all, "ConfigMap"), "data", "config.yaml").(string)
		file := filepath.Join(dir, "config.yaml")
		write(t, file, strings.NewReplacer(mounted, dir, "/run/secrets/shop-tls/tls.crt", tls.Path("tls.crt"), "/run/secrets/shop-tls/tls.key", tls.Path("tls.key")).Replace(text))
		env := func(name string) (string, bool) {
			return strings.ToLower(name) + "-of-the-shop-which-is-long-enough", !strings.HasPrefix(name, "COCART_GATEWAY_")
		}
		cfg, err := config.Load(file, env, func(config.SigningKey) (bool, error) { return true, nil })
		if err != nil {
			t.Errorf("%s: %v", values, err)
			continue
		}
		if cfg.Sockets.DrainDelay == 0 || cfg.Redis.Embedded() || len(cfg.Admin.Hosts) == 0 {
			t.Errorf("%s: %+v", values, cfg)
		}
	}
}

func write(t *testing.T, file, text string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
