package admin

import (
	"net/http"

	"cocart-gateway/gateway/respond"
)

// Configuration is what the API can do with the configuration. A nil function leaves its route out.
type Configuration struct {
	// Show returns the configuration in force as YAML, without secrets.
	Show func() ([]byte, error)
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
//	POST /reload  200 {"changed": […], "restart_needed": […]}; or 422 with data.problems, and the previous one stays in force
func (c Configuration) routes() (all []route) {
	if c.Show != nil {
		all = append(all, route{"GET", "/config", nil, c.show})
	}
	if c.Reload != nil {
		all = append(all, route{"POST", "/reload", nil, c.reload})
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
