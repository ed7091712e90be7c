package config

import (
	"net/url"

	"cocart-gateway/cmd/cocart-gateway/config/schema"
)

// Tracing is the export of traces to an OpenTelemetry collector.
type Tracing struct {
	Endpoint *url.URL // http or https, perhaps with a path; nil: no traces
	Percent  int      // of the requests that continue no trace
	Parents  string   // whose traces are continued: "proxies", "any" or "none"
}

// Values of tracing.parents.
const (
	ParentsProxies = "proxies"
	ParentsAny     = "any"
	ParentsNone    = "none"
)

func tracingKeys(c *Tracing) schema.Entry {
	return schema.Block("tracing",
		schema.Value("endpoint", &c.Endpoint, nil, collectorAddress()),
		schema.Value("percent", &c.Percent, 1, schema.Number(0, 100).Or0("for none")),
		schema.Value("parents", &c.Parents, ParentsProxies, schema.Choice(ParentsProxies, ParentsAny, ParentsNone)))
}

// collectorAddress is empty for no traces.
func collectorAddress() schema.Form[*url.URL] {
	f := schema.WebAddress("must be empty, or the http or https address of a collector, without user, password and query", schema.SitePath)
	f.Remedy = "write e.g. http://127.0.0.1:4318"
	parse := f.Parse
	f.Parse = func(s string) (*url.URL, *schema.Mistake) {
		if s == "" {
			return nil, nil
		}
		return parse(s)
	}
	return f
}
