package config

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"cocart-gateway/cmd/cocart-gateway/config/schema"
)

// Limits bounds requests; sizes are in bytes.
type Limits struct {
	LoginBody  int64
	Header     int64
	Body       int64 // of CoCart's routes
	Form, JSON int64 // read there to find passwords and cart keys
	Parameters int   // of one query or form

	UploadRate, DownloadRate int64 // bytes per second of a body; 0: no limit
}

// Limit is a number of attempts or requests in a period. The zero value means unlimited.
type Limit struct {
	N   int
	Per time.Duration
}

// Off reports whether attempts are unlimited.
func (l Limit) Off() bool { return l == (Limit{}) }

// Newcomer limits passwords from networks without a successful login on record.
type Newcomer struct {
	Account Limit // wrong passwords of one account that is locked
	Address Limit // wrong passwords from one address
	Network Limit // wrong passwords from an IPv6 /48 or an IPv4 /24
}

// Attempts limits how often passwords can be guessed.
type Attempts struct {
	Account        Limit // wrong passwords of one account
	AccountNetwork Limit // wrong passwords of one account from one network
	Address        Limit // wrong passwords from one address
	Subnet         Limit // wrong passwords from an IPv6 /56
	Network        Limit // wrong passwords from an IPv6 /48 or an IPv4 /24
	Overall        Limit // wrong passwords from all networks without a successful login on record
	Newcomer       Newcomer
	SecondFactor   Limit // wrong second factors of one account
	Refresh        Limit // requests from one address
	Validate       Limit // requests from one address
	Requests       Limit // requests from one address on CoCart's other routes
	// SessionRequests limits the requests of one session on CoCart's other routes.
	SessionRequests Limit
	SiteLogin       bool // passwords that are checked outside of CoCart's routes count
	UniformErrors   bool // a wrong password and an unknown user have the same answer
}

func limitKeys(c *Config) schema.Entry {
	l, s, a := &c.Limits, &c.Sockets, &c.Attempts
	return schema.Block("limits",
		schema.Value("login_body", &l.LoginBody, 64<<10, schema.Size(1<<10, 16<<20)),
		schema.Value("header", &l.Header, 64<<10, schema.Size(4<<10, 1<<20)),
		schema.Value("body", &l.Body, 10<<20, schema.Size(1<<10, 1<<30)),
		schema.Value("form", &l.Form, 1<<20, schema.Size(1<<10, 64<<20)),
		schema.Value("json", &l.JSON, 1<<20, schema.Size(1<<10, 64<<20)),
		schema.Value("parameters", &l.Parameters, 1000, schema.Number(1, 1_000_000)),
		schema.Value("upload_rate", &l.UploadRate, 512, schema.Size(0, 1<<20).Or0("for no limit")),
		schema.Value("download_rate", &l.DownloadRate, 512, schema.Size(0, 1<<20).Or0("for no limit")),
		schema.Value("connections", &s.Connections, 10_000, schema.Number(0, 10_000_000).Or0("for no limit")),
		schema.Value("connections_per_address", &s.PerAddress, 256, schema.Number(0, 10_000_000).Or0("for no limit")),
		schema.Value("streams", &s.Streams, 100, schema.Number(1, 1000)),
		schema.Block("login",
			schema.Value("account", &a.Account, Limit{10, 15 * time.Minute}, rate()),
			schema.Value("account_network", &a.AccountNetwork, Limit{5, 15 * time.Minute}, rate()),
			schema.Value("address", &a.Address, Limit{50, 15 * time.Minute}, rate()),
			schema.Value("subnet", &a.Subnet, Limit{200, 15 * time.Minute}, rate()),
			schema.Value("network", &a.Network, Limit{500, 15 * time.Minute}, rate()),
			schema.Value("overall", &a.Overall, Limit{1000, time.Minute}, rate()),
			schema.Block("newcomer",
				schema.Value("account", &a.Newcomer.Account, Limit{10, time.Hour}, rate()),
				schema.Value("address", &a.Newcomer.Address, Limit{3, schema.Day}, rate()),
				schema.Value("network", &a.Newcomer.Network, Limit{12, schema.Day}, rate())),
			schema.Value("site_login", &a.SiteLogin, true, schema.Truth())),
		schema.Value("second_factor", &a.SecondFactor, Limit{5, 15 * time.Minute}, rate()),
		schema.Value("refresh", &a.Refresh, Limit{600, time.Minute}, rate()),
		schema.Value("validate", &a.Validate, Limit{600, time.Minute}, rate()),
		schema.Block("requests",
			schema.Value("address", &a.Requests, Limit{}, rate()),
			schema.Value("session", &a.SessionRequests, Limit{}, rate())))
}

const (
	mostInARate = 100_000
	longestRate = 30 * schema.Day
)

// rate is "10/15m", or "off" for no limit.
func rate() schema.Form[Limit] {
	return schema.Form[Limit]{
		Rule:  fmt.Sprintf("must be a number from 1 to %d, a slash and a duration between 1s and %s, or off", mostInARate, schema.FormatDuration(longestRate)),
		Types: []string{"!!str"},
		Parse: parseRate,
		Show:  func(l Limit) any { return formatRate(l) },
	}
}

func parseRate(s string) (Limit, *schema.Mistake) {
	if s == "off" {
		return Limit{}, nil
	}
	number, span, _ := strings.Cut(s, "/")
	n, notNumber := strconv.Atoi(number)
	per, notDuration := schema.ParseDuration(span)
	if notNumber != nil || notDuration != nil || strconv.Itoa(n) != number || n < 1 || n > mostInARate || per < time.Second || per > longestRate {
		return Limit{}, &schema.Mistake{}
	}
	return Limit{N: n, Per: per}, nil
}

func formatRate(l Limit) string {
	if l.Off() {
		return "off"
	}
	return strconv.Itoa(l.N) + "/" + schema.FormatDuration(l.Per)
}
