package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/spf13/cobra"

	"cocart-gateway/cmd/cocart-gateway/config"
	"cocart-gateway/cmd/cocart-gateway/term"
	"cocart-gateway/gateway/admin"
	"cocart-gateway/gateway/admin/listing"
	"cocart-gateway/upstream"
)

// takesUser adds --user, which names a user of WordPress by id, login name or e-mail address.
func takesUser(c *cobra.Command, name *string, purpose string) *cobra.Command {
	c.Flags().StringVar(name, "user", "", purpose)
	return alsoNeeds(c, func([]string) error {
		id, err := strconv.ParseInt(*name, 10, 64)
		if c.Flags().Changed("user") && (*name == "" || err == nil && id < 1) {
			return errors.New("--user must be the id, the login name or the e-mail address of a WordPress user")
		}
		return nil
	})
}

// wordpressUsers asks the WordPress of a configuration. It connects only for a name that is not an id.
type wordpressUsers struct{ cfg *config.Config }

// maxLookup is how long a command waits for WordPress to name a user.
const maxLookup = 15 * time.Second

func (w wordpressUsers) FindUsers(ctx context.Context, name string) ([]upstream.User, error) {
	wordpress, err := newWordPress(w.cfg, prometheus.NewRegistry(), discard)
	if err != nil {
		return nil, err
	}
	defer wordpress.Close()
	ctx, cancel := context.WithTimeout(ctx, maxLookup)
	defer cancel()
	return wordpress.FindUsers(ctx, name)
}

// findUser returns the id of the user that --user named; 0 for "".
func findUser(ctx context.Context, cfg *config.Config, name string) (int64, error) {
	if name == "" {
		return 0, nil
	}
	id, err := admin.FindUser(ctx, wordpressUsers{cfg}, name)
	switch {
	case err == nil:
		return id, nil
	case errors.Is(err, listing.ErrUser), errors.Is(err, admin.ErrNoSuchUser), errors.Is(err, admin.ErrAmbiguousUser):
		return 0, fmt.Errorf("--user %s: %w", term.Cell(name), err)
	}
	return 0, fmt.Errorf("asking WordPress who %s is: %w; name the user by id, which sessions list --login shows without WordPress", term.Cell(name), err)
}
