package doctor

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"strings"
	"time"

	"cocart-gateway/cmd/cocart-gateway/config"
	"cocart-gateway/cmd/cocart-gateway/config/schema"
)

func (r *Report) invalidConfig(err error) {
	var invalid *schema.Error
	if !errors.As(err, &invalid) {
		r.problem("file", err.Error(), "")
	} else {
		for i, p := range invalid.Problems {
			place := invalid.File
			if p.Line > 0 {
				place = fmt.Sprintf("%s:%d", invalid.File, p.Line)
			}
			if p.Key != "" {
				place += ": " + p.Key
			}
			r.problem(fmt.Sprintf("problem-%d", i+1), place+": "+p.Value+"; "+p.Rule+".", sentence(p.Remedy))
		}
	}
	for _, group := range []string{"tokens", "listeners", "redis", "wordpress"} {
		r.group = group
		r.skip("the configuration has problems", "all")
	}
}

func (r *Report) config(cfg *config.Config, path string) {
	r.ok("file", "%s is valid.", path)
	for _, warning := range cfg.Warnings() {
		key, text, _ := strings.Cut(warning, ": ")
		found, advice := text, ""
		if at := strings.LastIndex(text, "; "); at > 0 {
			found, advice = text[:at], sentence(text[at+2:])
		}
		r.warn("warning-"+key, key+": "+found+".", advice)
	}
	info, err := os.Stat(path)
	readable := err == nil && runtime.GOOS != "windows" && info.Mode().Perm()&0o004 != 0
	r.decide("mode", row{readable, Warning, "Every user of this machine can read " + path + ".",
		"Run chmod 600 " + path + ", unless all its secrets come from the environment or from files."})
}

func sentence(words string) string {
	if words == "" {
		return ""
	}
	return strings.ToUpper(words[:1]) + words[1:] + "."
}

func (r *Report) tokens(cfg *config.Config) {
	ttl := schema.FormatDuration(cfg.Tokens.AccessTTL)
	r.decide("access_ttl",
		row{cfg.Tokens.AccessTTL > config.Default().Tokens.AccessTTL, Warning,
			"Access tokens are valid for " + ttl + "; a stolen one stays usable until it expires.",
			"If your apps refresh tokens by themselves, as CoCart's SDKs do, write tokens.access_ttl: 15m."},
		row{otherwise, OK, "Access tokens are valid for " + ttl + ".", ""},
	)
	keys := cfg.Tokens.Keys
	r.ok("keys", "The key %s (%s) signs; %d %s in all.", keys[0].ID, keys[0].Algorithm, len(keys), plural(len(keys), "key"))
	for _, k := range keys[1:] {
		retired := !k.RetireAt.IsZero() && !k.RetireAt.After(r.Now())
		r.decide("key-"+k.ID, row{retired, Warning, "The key " + k.ID + " was retired on " + k.RetireAt.Format(time.DateOnly) + " and is still listed.",
			"Remove it from tokens.keys, unless tokens.refresh_secret is empty and clients still have refresh tokens that were made with it."})
	}
}
