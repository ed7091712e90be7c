package upstream

import (
	"context"
	"encoding/json"
	"net/http"
	"regexp"
	"strings"
	"time"
)

const (
	typStatus           = "cocart-status+jwt"
	statusTarget        = "?rest_route=/cocart-gateway/v1/status"
	statusAuthorization = "Bearer cocart-gateway-status" // shows whether the header arrives; it is no credential
)

// Outcome is what became of the question for the status.
type Outcome string

// The outcomes, in the order in which they are distinguished.
const (
	StatusAnswered  Outcome = "answered"  // Facts are set
	StatusFound     Outcome = "found"     // the answer to a question with Find: Found is set
	StatusRefused   Outcome = "refused"   // the secret is right, but the assertion was refused: Refused and Differs say why
	StatusUnknown   Outcome = "unknown"   // the plugin refuses the assertion: our secret is not in wp-config.php
	StatusStripped  Outcome = "stripped"  // the plugin saw no assertion: its header was lost on the way
	StatusUnsigned  Outcome = "unsigned"  // the plugin answered, but its own header was lost on the way back
	StatusStale     Outcome = "stale"     // the answer to an earlier question: a cache
	StatusNoPlugin  Outcome = "no_plugin" // WordPress knows no such route
	StatusUnlike    Outcome = "unlike"    // not an answer that WordPress with a plugin gives
	StatusElsewhere Outcome = "elsewhere" // a redirect: this address does not serve the site
)

// Facts are what WordPress says of itself, as PROTOCOL.md lists them.
type Facts struct {
	Plugin        string   `json:"plugin"`
	PHP           string   `json:"php"`
	SAPI          string   `json:"sapi"`
	WordPress     string   `json:"wordpress"`
	WooCommerce   string   `json:"woocommerce"`
	CoCart        string   `json:"cocart"`
	Routes        []string `json:"routes"`
	Missing       []string `json:"missing"` // the entries of the question that are no REST route; nil if the plugin does not know site.protect
	Home          string   `json:"home"`
	SiteURL       string   `json:"siteurl"`
	RestPrefix    string   `json:"rest_prefix"`
	Permalinks    bool     `json:"permalinks"`
	TLS           bool     `json:"tls"`
	Environment   string   `json:"environment"` // WP_ENVIRONMENT_TYPE; "" if the plugin does not report it
	Required      bool     `json:"required"`
	Secrets       int      `json:"secrets"`
	OldPlugin     bool     `json:"old_plugin"`
	JWTPlugins    []string `json:"jwt_plugins"` // other plugins that issue access tokens; nil if the plugin does not report them
	ObjectCache   bool     `json:"object_cache"`
	Multisite     bool     `json:"multisite"`
	Late          bool     `json:"late"`
	Copies        []string `json:"copies"`
	Authorization bool     `json:"authorization"`
	Paths         []string `json:"paths"` // folders of languages that home_url names; nil if the plugin does not report them
}

// Differences are the parts of an assertion that WordPress would have had
// otherwise. A string is what WordPress has, and "" where it agrees.
type Differences struct {
	Audience, Method, Host string
	Target                 bool
}

// StatusReport is what an operator learns about the way to WordPress and back.
type StatusReport struct {
	*Probe
	Outcome Outcome
	Facts   *Facts      // StatusAnswered
	Found   []User      // StatusFound: none, one or two
	Refused string      // StatusRefused: the plugin's words
	Differs Differences // StatusRefused
	// Clock is how far WordPress is ahead of us, to about a second: from the
	// plugin's own words, else from the Date of its web server. Timed says that
	// it is known at all.
	Clock time.Duration
	Timed bool
}

// Status asks the must-use plugin what it sees. proto is the scheme of the
// site's public address, entries are the REST routes of site.protect. An error means that WordPress did not answer.
func (n Node) Status(ctx context.Context, proto string, entries ...string) (*StatusReport, error) {
	return n.askStatus(ctx, n.wordpress.host, Assertion{Kind: Status, Proto: proto, Entries: strings.Join(entries, " ")})
}

// StatusFor asks under another name of the site, unless WordPress gets a fixed Host.
func (n Node) StatusFor(ctx context.Context, proto, host string) (*StatusReport, error) {
	return n.askStatus(ctx, host, Assertion{Kind: Status, Proto: proto})
}

// askStatus asks a second time where the first answer taught that the node's clock is another one: it refused that question
// for its time.
func (n Node) askStatus(ctx context.Context, host string, a Assertion) (*StatusReport, error) {
	c := n.wordpress.clocks[n.node]
	before := c.Followed()
	r, err := n.askStatusOnce(ctx, host, a)
	if err == nil && r.Outcome == StatusRefused && (c.Followed()-before).Abs() > time.Second {
		return n.askStatusOnce(ctx, host, a)
	}
	return r, err
}

func (n Node) askStatusOnce(ctx context.Context, host string, a Assertion) (*StatusReport, error) {
	p, err := n.probeAs(ctx, host, a, statusTarget)
	if err != nil {
		return nil, err
	}
	r := &StatusReport{Probe: p}
	if date, err := http.ParseTime(p.Header.Get("Date")); err == nil {
		r.time(date)
	}
	if r.Outcome = n.wordpress.read(r); r.theirs != 0 {
		n.wordpress.clocks[n.node].Learn(r.theirs, r.Took)
	}
	return r, nil
}

// time reads a clock of whole seconds that was looked at half way. On average half a second was cut off.
func (r *StatusReport) time(theirs time.Time) {
	r.Clock, r.Timed = theirs.Add(time.Second/2).Sub(r.Sent.Add(r.Took/2)).Round(time.Second), true
}

type statusClaims struct {
	Issuer   string          `json:"iss"`
	IssuedAt int64           `json:"iat"`
	Request  string          `json:"req"`
	Facts    json.RawMessage `json:"status"`
	Refused  string          `json:"refused"`
	Found    []struct {
		Subject string `json:"sub"`
		Login   string `json:"login"`
	} `json:"found"`
	Saw struct {
		Audience string `json:"aud"`
		Method   string `json:"m"`
		Host     string `json:"h"`
		Target   string `json:"t"`
	} `json:"saw"`
}

func (w *WordPress) read(r *StatusReport) Outcome {
	value := r.Header.Get(statusHeader)
	switch {
	case value != "":
		return w.readSigned(r, value)
	case r.Code == "cocart_gateway_bad_assertion":
		return StatusUnknown
	case r.Code == "cocart_gateway_required":
		return StatusStripped
	case r.Code == "rest_no_route":
		return StatusNoPlugin
	case r.Status == http.StatusOK && string(r.Body) == "{}":
		return StatusUnsigned
	case r.Status >= 300 && r.Status < 400:
		return StatusElsewhere
	}
	return StatusUnlike
}

// readSigned accepts the plugin's reply whatever its clock: a difference of the
// clocks may be what it reports.
func (w *WordPress) readSigned(r *StatusReport, value string) Outcome {
	c, err := w.parseStatus(value)
	if err != nil {
		return StatusUnlike
	}
	if c.Request != digest(r.signed) {
		return StatusStale
	}
	r.theirs = c.IssuedAt
	r.time(time.Unix(c.IssuedAt, 0))
	if c.Refused != "" {
		r.Refused, r.Differs = c.Refused, differences(r.asked, c)
		return StatusRefused
	}
	if c.Found != nil {
		return r.readFound(c)
	}
	if json.Unmarshal(c.Facts, &r.Facts) != nil || r.Facts == nil {
		return StatusUnlike
	}
	return StatusAnswered
}

func (r *StatusReport) readFound(c *statusClaims) Outcome {
	r.Found = []User{}
	for _, row := range c.Found {
		id, ok := decimalID(row.Subject)
		if !ok {
			return StatusUnlike
		}
		r.Found = append(r.Found, User{id, row.Login})
	}
	return StatusFound
}

func (w *WordPress) parseStatus(value string) (*statusClaims, error) {
	var c statusClaims
	if err := (*w.keys.Load()).open(value, typStatus, &c); err != nil {
		return nil, err
	}
	if c.Issuer != "cocart-wordpress" {
		return nil, badReply("status has another issuer")
	}
	return &c, nil
}

// port is what the plugin takes off a host, too.
var port = regexp.MustCompile(`:[0-9]+$`)

// differences leaves out what the plugin is lenient about: the case of a host,
// and a port that the web server keeps to itself.
func differences(asked claims, c *statusClaims) Differences {
	var d Differences
	if c.Saw.Audience != asked.Audience {
		d.Audience = c.Saw.Audience
	}
	if c.Saw.Method != asked.Method {
		d.Method = c.Saw.Method
	}
	bare := port.ReplaceAllLiteralString(asked.Host, "")
	if !strings.EqualFold(c.Saw.Host, asked.Host) && !strings.EqualFold(c.Saw.Host, bare) {
		d.Host = c.Saw.Host
	}
	d.Target = c.Saw.Target != asked.Target
	return d
}
