package main

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"strings"
	"time"

	"cocart-gateway/cmd/cocart-gateway/config"
)

func (r *report) configProblems(err error) {
	var wrong *config.Error
	if !errors.As(err, &wrong) {
		r.problem("file", err.Error(), "")
	} else {
		for i, p := range wrong.Problems {
			where := wrong.File
			if p.Line > 0 {
				where = fmt.Sprintf("%s:%d", wrong.File, p.Line)
			}
			r.problem(fmt.Sprintf("problem-%d", i+1), strings.TrimSuffix(where+": "+p.Key, ": ")+": "+p.Value+"; "+p.Rule+".", sentence(p.Remedy))
		}
	}
	for _, group := range []string{"tokens", "listeners", "redis", "wordpress"} {
		r.group = group
		r.skip("the configuration has problems", "all")
	}
}

func (r *report) config(cfg *config.Config, path string) {
	r.ok("file", "%s is complete.", path)
	for _, warning := range cfg.Warnings() {
		key, text, _ := strings.Cut(warning, ": ")
		found, advice := text, ""
		if at := strings.LastIndex(text, "; "); at > 0 {
			found, advice = text[:at], sentence(text[at+2:])
		}
		r.warn("warning-"+key, key+": "+found+".", advice)
	}
	r.configMode(path)
}

// configMode is about a file with secrets that everybody on the machine may read.
func (r *report) configMode(path string) {
	info, err := os.Stat(path)
	if err != nil || runtime.GOOS == "windows" || info.Mode().Perm()&0o004 == 0 {
		return
	}
	r.warn("mode", path+" can be read by every user of this machine.", "Unless all its secrets come from the environment or from files: chmod 600 "+path+".")
}

func sentence(words string) string {
	if words == "" {
		return ""
	}
	return strings.ToUpper(words[:1]) + words[1:] + "."
}

func (r *report) tokens(cfg *config.Config, now time.Time) {
	ttl := config.FormatDuration(cfg.Tokens.AccessTTL)
	if cfg.Tokens.AccessTTL > config.Default().Tokens.AccessTTL {
		r.warn("access_ttl", "Access tokens are valid for "+ttl+"; a stolen one stays usable until it expires.",
			"If your apps refresh tokens by themselves, as CoCart's SDKs do, write tokens.access_ttl: 15m.")
	} else {
		r.ok("access_ttl", "Access tokens are valid for %s.", ttl)
	}
	keys := cfg.Tokens.Keys
	r.ok("keys", "%s (%s) signs; %d key%s in all.", keys[0].ID, keys[0].Algorithm, len(keys), pick(len(keys) == 1, "", "s"))
	for _, k := range keys[1:] {
		if !k.RetireAt.IsZero() && !k.RetireAt.After(now) {
			r.warn("key-"+k.ID, fmt.Sprintf("The key %s was retired on %s and is still listed.", k.ID, k.RetireAt.Format(time.DateOnly)),
				"Remove it from tokens.keys, unless tokens.refresh_secret is empty and refresh tokens made with it may still come.")
		}
	}
}
