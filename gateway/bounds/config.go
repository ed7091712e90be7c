// Package bounds says what a request on a CoCart route may be, passwords aside, and reads its body within that.
//
//	config.go   the bounds, their defaults, and the check of what is known before the body
//	body.go     a body that ends with an error once it breaks a bound; ways to read one
package bounds

import (
	"net/http"
	"slices"
	"strings"
	"time"

	"cocart-gateway/gateway/pace"
	"cocart-gateway/gateway/respond"
	"cocart-gateway/gateway/wprequest"
)

// defaultParameters is PHP's max_input_vars: what comes after so many parameters
// is not there for PHP.
const defaultParameters = 1000

const (
	defaultStall = 5 * time.Minute
	defaultRate  = 512 // bytes per second: slower than any line on which a page could be read
)

// Config bounds what a request on a CoCart route may be, passwords aside.
type Config struct {
	// Body is the largest body in bytes; zero means 10 MiB.
	Body int64
	// Parameters is how many a query or a form may have; zero means 1000, which is
	// PHP's max_input_vars.
	Parameters int
	// Form and JSON are how much of a form or of a JSON body is read, in bytes, to
	// find passwords and cart keys; longer ones are refused. Zero means 1 MiB.
	Form, JSON int64
	// BodyTime is how long a client may be waited for while it sends a body on a
	// CoCart route, besides the time that its bytes earn; zero means 30 s.
	BodyTime time.Duration
	// UploadRate and DownloadRate are how many bytes of a body a client must send or
	// take in a second, on any route, as package pace has it; zero means 512, less
	// than zero any number. Without an UploadRate BodyTime is for the whole body.
	UploadRate, DownloadRate int64
	// Stall is, on any route, how long a body may stand still: one that the client
	// sends, where BodyTime does not bound it, and the one that it takes. Zero means
	// 5 min, less than zero for ever.
	Stall time.Duration
}

// WithDefaults returns the limits with their defaults in place of zero values.
func (c Config) WithDefaults() Config {
	if c.Body == 0 {
		c.Body = 10 << 20
	}
	if c.Form == 0 {
		c.Form = 1 << 20
	}
	if c.JSON == 0 {
		c.JSON = 1 << 20
	}
	if c.Parameters == 0 {
		c.Parameters = defaultParameters
	}
	if c.BodyTime == 0 {
		c.BodyTime = 30 * time.Second
	}
	if c.Stall == 0 {
		c.Stall = defaultStall
	}
	if c.UploadRate == 0 {
		c.UploadRate = defaultRate
	}
	if c.DownloadRate == 0 {
		c.DownloadRate = defaultRate
	}
	return c
}

// Check refuses what no client of CoCart sends, before anything of the body is read: its target as WordPress will receive
// it, and its method as WordPress will read it.
func (c Config) Check(r *http.Request, target, method string, hasBody bool) error {
	encoding := strings.TrimSpace(strings.Join(r.Header["Content-Encoding"], ","))
	_, query, _ := strings.Cut(target, "?")
	switch {
	case !slices.Contains(wprequest.Methods, r.Method), method != "" && !slices.Contains(wprequest.Methods, method):
		return respond.OnlyMethods(wprequest.Methods...)
	case encoding != "" && !strings.EqualFold(encoding, "identity"):
		// PHP does not decode a body, but modules in front of it do: two readings.
		return respond.Fail(respond.EncodedBody)
	case strings.Count(query, "&") >= c.Parameters:
		return wprequest.TooManyParameters(c.Parameters)
	case r.ContentLength > c.Body:
		return wprequest.TooLarge(c.Body, "limits.body")
	case hasBody:
		if err := wprequest.CheckContentType(r.Header); err != nil {
			return err
		}
	}
	return nil
}

// Pace returns the pace of a body that the storefront reads or writes. It may stand still
// for Stall, and for an eighth more at most.
func (c Config) Pace(rate int64) pace.Pace {
	p := pace.Pace{Stall: c.Stall, Slack: max(0, c.Stall) / 8}
	if rate <= 0 {
		return p
	}
	if p.Allowance, p.Rate = c.Stall, rate; c.Stall <= 0 {
		p.Allowance, p.Slack = defaultStall, defaultStall/8
	}
	return p
}
