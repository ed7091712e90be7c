package admin

// Patterns are those of the probes and of the API.
func (h *Handler) Patterns() []string { return h.patterns }
