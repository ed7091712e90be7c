package admin

import (
	"net/http"

	"cocart-gateway/gateway/respond"
)

// Configuration is what the API can do with the configuration. A nil function leaves its route out.
type Configuration struct {
	// Show returns the configuration in force as YAML, without secrets.
	Show func() ([]byte, error)
	// Changes reads the configuration and returns what Reload would change, and changes nothing. Problems are those that
	// Reload would have.
	Changes func() (would Reloaded, problems []string)
	// Reload reads the configuration again. If there are problems nothing has changed. They must not contain secrets.
	Reload func() (done Reloaded, problems []string)
}

// Reloaded is the result of a reload, as keys of the configuration.
type Reloaded struct {
	// Changed are in force for requests that begin from now on.
	Changed []string `json:"changed"`
	// RestartNeeded differ from what is in force and take effect at the next start.
	RestartNeeded []string `json:"restart_needed"`
}

// routes are
//
//	GET  /config  the configuration in force, as YAML, without secrets
//	GET  /config/changes  what a reload would change now, in the form of its answer
//	POST /reload  200 {"changed": […], "restart_needed": […]}; or 422 with data.problems, and the previous one stays in force
func (c Configuration) routes() (all []route) {
	if c.Show != nil {
		all = append(all, route{"GET", "/config", nil, c.show})
	}
	if c.Changes != nil {
		all = append(all, route{"GET", "/config/changes", nil, func(w http.ResponseWriter, r *http.Request) error { return writeReloaded(w, r, c.Changes) }})
	}
	if c.Reload != nil {
		all = append(all, route{"POST", "/reload", nil, func(w http.ResponseWriter, r *http.Request) error { return writeReloaded(w, r, c.Reload) }})
	}
	return all
}

func (c Configuration) show(w http.ResponseWriter, r *http.Request) error {
	text, err := c.Show()
	if err != nil {
		return err
	}
	respond.Bytes(w, r, http.StatusOK, text, "application/yaml")
	return nil
}

func writeReloaded(w http.ResponseWriter, r *http.Request, reload func() (Reloaded, []string)) error {
	done, problems := reload()
	if len(problems) > 0 {
		f := respond.Fail(respond.ConfigurationRefused)
		f.Problems = problems
		return f
	}
	respond.JSON(w, r, http.StatusOK, done)
	return nil
}
