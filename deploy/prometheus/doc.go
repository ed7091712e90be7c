// Package prometheus holds what a Prometheus needs to watch the gateway, and its
// tests: what fires the alerts and what does not, whether the dashboard in
// deploy/grafana asks for what there is, and whether a real Prometheus that reads a
// running gateway agrees. They need the Debian package that deploy/demo/install.sh
// prometheus brings, and say so when it is missing.
package prometheus
