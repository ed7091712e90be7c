package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"cocart-gateway/cmd/cocart-gateway/server"
)

// healthTimeout is less than container runtimes wait for a health check, so that the answer is ours.
const healthTimeout = 3 * time.Second

func healthCommand(t terminal) *cobra.Command {
	var path string
	var ready, serving bool
	c := &cobra.Command{
		Use:     "healthcheck",
		Short:   "Ask the gateway that runs with this file whether it is well; for containers, which have no curl",
		Example: "  cocart-gateway healthcheck",
		GroupID: groupRun,
		Args: func(c *cobra.Command, args []string) error {
			if ready && serving {
				return errors.New("healthcheck asks one thing: --ready or --serving")
			}
			return cobra.NoArgs(c, args)
		},
		RunE: func(c *cobra.Command, _ []string) error {
			cfg, err := loadConfig(path, t.env)
			if err != nil {
				return err
			}
			probe := "/healthz"
			switch {
			case ready:
				probe = "/readyz"
			case serving:
				probe = "/servez"
			}
			return t.askHealth(c.Context(), cfg.Admin.Listen, probe)
		},
	}
	c.Flags().BoolVar(&ready, "ready", false, "ask whether Redis and WordPress answer, too")
	c.Flags().BoolVar(&serving, "serving", false, "ask whether load balancers should send requests: not before it has started, and not while it drains")
	return t.takesConfig(c, &path)
}

// askHealth repeats what the gateway says, and fails unless that is 200.
func (t terminal) askHealth(ctx context.Context, listen, probe string) error {
	network, address, err := server.DialAddress(listen)
	if err != nil {
		return err
	}
	client := &http.Client{Timeout: healthTimeout, Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			var d net.Dialer
			return d.DialContext(ctx, network, address)
		},
	}}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://localhost"+probe, nil)
	if err != nil {
		return err
	}
	answer, err := client.Do(request)
	if err != nil {
		return fmt.Errorf("asking %s on %s: %w", probe, listen, err)
	}
	defer answer.Body.Close()
	said, err := io.ReadAll(io.LimitReader(answer.Body, 4<<10))
	if err != nil {
		return fmt.Errorf("asking %s on %s: %w", probe, listen, err)
	}
	fmt.Fprintln(t.out, strings.TrimSpace(string(said)))
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("%s on %s answered %d", probe, listen, answer.StatusCode)
	}
	return nil
}
