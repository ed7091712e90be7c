package main

import (
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/redis/go-redis/v9"
	"github.com/spf13/cobra"

	"cocart-gateway/cmd/cocart-gateway/config"
	"cocart-gateway/cmd/cocart-gateway/doctor"
	"cocart-gateway/cmd/cocart-gateway/term"
	"cocart-gateway/tokens/attempts"
	"cocart-gateway/upstream"
)

func doctorCommand(t terminal) *cobra.Command {
	var of shopOf
	var asJSON bool
	c := &cobra.Command{
		Use:   "doctor",
		Short: "Examine the configuration, the ports, Redis and WordPress, and say what to do about problems",
		Long: "Examines the configuration, the ports, Redis and WordPress, and says what is wrong and what to do.\n" +
			"It changes nothing. Exit code 1 means that there is a problem; warnings do not count. Several shops are examined one\n" +
			"after another, or one with --shop.",
		Example: "  cocart-gateway doctor\n" +
			"  cocart-gateway doctor --json",
		GroupID: groupRun,
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			cfg, err := loadConfig(of.path, t.env)
			if err == nil && of.shop != "" {
				if cfg, err = cfg.Shop(of.shop); err != nil {
					return fmt.Errorf("--shop: %w", err)
				}
			}
			redis.SetLogger(libraryLog{discard})
			p := t.progress("Examining the configuration, the ports, Redis and WordPress")
			r := doctor.Examine(c.Context(), of.path, cfg, err, doctorOptions(t.now))
			p.End()
			if err := t.show(r, asJSON); err != nil {
				return err
			}
			if !r.OK {
				return errReported
			}
			return nil
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "write JSON")
	return t.takesShop(c, &of)
}

// discard is the logger of commands that report in their output.
var discard = slog.New(slog.DiscardHandler)

func doctorOptions(now func() time.Time) doctor.Options {
	return doctor.Options{
		Version: version, Now: now,
		WordPress: func(cfg *config.Config) (*upstream.WordPress, error) {
			return newWordPress(cfg, prometheus.NewRegistry(), discard)
		},
		Attempts: func(cfg *config.Config, client redis.UniversalClient) (*attempts.Guard, error) {
			return newGuard(cfg, client, discard)
		},
	}
}

func (t terminal) show(r *doctor.Report, asJSON bool) error {
	if asJSON {
		return term.WriteJSON(t.out, r)
	}
	return r.Write(t.out, t.marks())
}

// marks returns signs for a terminal, and words for any other output.
func (t terminal) marks() map[doctor.Status]string {
	file, ok := t.out.(*os.File)
	if _, set := t.env("NO_COLOR"); ok && !set {
		if info, err := file.Stat(); err == nil && info.Mode()&os.ModeCharDevice != 0 {
			return map[doctor.Status]string{doctor.OK: "✓", doctor.Warning: "!", doctor.Problem: "✗", doctor.Unchecked: "·"}
		}
	}
	return map[doctor.Status]string{doctor.OK: "ok", doctor.Warning: "warning", doctor.Problem: "problem", doctor.Unchecked: "unchecked"}
}
