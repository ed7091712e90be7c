package admin

import (
	"net/http"

	"cocart-gateway/gateway/respond"
)

// Configuration is what administrators may do with it; a nil function offers
// nothing.
type Configuration struct {
	// Show writes the one in force, as YAML and without its secrets.
	Show func() ([]byte, error)
	// Reload reads it again. With problems nothing has changed; none of them may
	// hold a secret.
	Reload func() (done Reloaded, problems []string)
}

// Reloaded is what a reload came to, as keys of the configuration.
type Reloaded struct {
	// Changed are in force for requests that begin from now on.
	Changed []string `json:"changed"`
	// RestartNeeded differ from what is in force, and wait for the next start.
	RestartNeeded []string `json:"restart_needed"`
}

// addConfiguration adds
//
//	GET  /config  the configuration in force, as YAML, secrets hidden
//	POST /reload  200 {"changed": […], "restart_needed": […]}, or 422 with
//	              data.problems: then the old one stays in force
func (a *Handler) addConfiguration(c Configuration, protected func(apiHandler) http.Handler) {
	if c.Show != nil {
		a.mux.Handle("GET /config", protected(c.show))
	}
	if c.Reload != nil {
		a.mux.Handle("POST /reload", protected(c.reload))
	}
}

func (c Configuration) show(w http.ResponseWriter, r *http.Request) error {
	text, err := c.Show()
	if err != nil {
		return err
	}
	respond.Bytes(w, r, http.StatusOK, text, "application/yaml")
	return nil
}

func (c Configuration) reload(w http.ResponseWriter, r *http.Request) error {
	done, problems := c.Reload()
	if len(problems) > 0 {
		f := respond.Fail(respond.ConfigurationRefused)
		f.Problems = problems
		return f
	}
	respond.JSON(w, r, http.StatusOK, done)
	return nil
}
