package admin

import "net/http"

// Serving is the answer of /servez, the probe of load balancers.
type Serving struct {
	Serving bool `json:"serving"`
	// Why it is not to be sent requests: "starting" or "draining".
	Why string `json:"why,omitempty"`
}

// Why requests should go elsewhere.
const (
	whyStarting = "starting"
	whyDraining = "draining"
)

// Serving tells whether this gateway should be sent requests. It asks nobody and
// waits for nothing. What every gateway shares does not count: were Redis or
// WordPress away, all of them would leave the load balancer at once, and with them
// what still works: the storefront, and shoppers whose token is good.
func (a *Handler) Serving() Serving {
	switch {
	case a.draining.Load():
		return Serving{Why: whyDraining}
	case a.started != nil && !a.started():
		return Serving{Why: whyStarting}
	}
	return Serving{Serving: true}
}

func (a *Handler) serveServing(w http.ResponseWriter, _ *http.Request) {
	status, answer := http.StatusOK, a.Serving()
	if !answer.Serving {
		status = http.StatusServiceUnavailable
	}
	answerProbe(w, status, answer)
}
