package main

import (
	"context"
	"os"
	"time"

	"github.com/spf13/cobra"

	"cocart-gateway/cmd/cocart-gateway/term"
)

// questionTime is how long each question to Redis, WordPress or a port may take.
const questionTime = 10 * time.Second

func doctorCommand(t terminal) *cobra.Command {
	var path string
	var asJSON bool
	c := &cobra.Command{
		Use:   "doctor --config FILE",
		Short: "Look at the configuration, Redis and WordPress, and say what is wrong and what to do",
		Long: "Looks at the configuration, the ports, Redis and WordPress, and says what is wrong and what to do.\n" +
			"It leaves nothing behind. Exit code 1 means that there is a problem; warnings do not count.",
		Example: "  cocart-gateway doctor --config /etc/cocart-gateway/config.yaml\n" +
			"  cocart-gateway doctor --json --config /etc/cocart-gateway/config.yaml",
		GroupID: groupRun,
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			r := t.examine(c.Context(), path)
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
	return needsConfig(c, &path)
}

// examine asks everything there is to ask, whatever it finds on the way.
func (t terminal) examine(ctx context.Context, path string) *report {
	r := &report{OK: true}
	cfg, err := loadConfig(path, t.env)
	r.group = "configuration"
	if err != nil {
		r.configProblems(err)
		return r
	}
	r.config(cfg, path)
	r.group = "tokens"
	r.tokens(cfg, t.now())
	r.group = "listeners"
	r.listeners(ctx, cfg)
	r.storage(cfg)
	r.group = "redis"
	r.redis(ctx, cfg)
	r.group = "wordpress"
	r.wordpress(ctx, cfg)
	return r
}

func (t terminal) show(r *report, asJSON bool) error {
	if asJSON {
		return term.WriteJSON(t.out, r)
	}
	return r.write(t.out, t.marks())
}

// marks are signs where a person looks, and words wherever else the output may go.
func (t terminal) marks() map[status]string {
	file, ok := t.out.(*os.File)
	if _, set := t.env("NO_COLOR"); ok && !set {
		if info, err := file.Stat(); err == nil && info.Mode()&os.ModeCharDevice != 0 {
			return map[status]string{statusOK: "✓", statusWarning: "!", statusProblem: "✗", statusUnchecked: "·"}
		}
	}
	return map[status]string{statusOK: "ok", statusWarning: "warning", statusProblem: "problem", statusUnchecked: "unchecked"}
}
