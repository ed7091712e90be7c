package config

import (
	"fmt"
	"strconv"
	"strings"
	"time"
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
	SiteLogin      bool  // passwords that are checked outside of CoCart's routes count
	UniformErrors  bool  // a wrong password and an unknown user have the same answer
}

func limitKeys(c *Config) entry {
	l, s, a := &c.Limits, &c.Sockets, &c.Attempts
	return block("limits",
		value("login_body", &l.LoginBody, 64<<10, size(1<<10, 16<<20)),
		value("header", &l.Header, 64<<10, size(4<<10, 1<<20)),
		value("body", &l.Body, 10<<20, size(1<<10, 1<<30)),
		value("form", &l.Form, 1<<20, size(1<<10, 64<<20)),
		value("json", &l.JSON, 1<<20, size(1<<10, 64<<20)),
		value("parameters", &l.Parameters, 1000, number(1, 1_000_000)),
		value("upload_rate", &l.UploadRate, 512, size(0, 1<<20).or0("for no limit")),
		value("download_rate", &l.DownloadRate, 512, size(0, 1<<20).or0("for no limit")),
		value("connections", &s.Connections, 10_000, number(0, 10_000_000).or0("for no limit")),
		value("connections_per_address", &s.PerAddress, 256, number(0, 10_000_000).or0("for no limit")),
		value("streams", &s.Streams, 100, number(1, 1000)),
		block("login",
			value("account", &a.Account, Limit{10, 15 * time.Minute}, rate()),
			value("account_network", &a.AccountNetwork, Limit{5, 15 * time.Minute}, rate()),
			value("address", &a.Address, Limit{50, 15 * time.Minute}, rate()),
			value("subnet", &a.Subnet, Limit{200, 15 * time.Minute}, rate()),
			value("network", &a.Network, Limit{500, 15 * time.Minute}, rate()),
			value("overall", &a.Overall, Limit{1000, time.Minute}, rate()),
			block("newcomer",
				value("account", &a.Newcomer.Account, Limit{10, time.Hour}, rate()),
				value("address", &a.Newcomer.Address, Limit{3, day}, rate()),
				value("network", &a.Newcomer.Network, Limit{12, day}, rate())),
			value("site_login", &a.SiteLogin, true, truth())),
		value("second_factor", &a.SecondFactor, Limit{5, 15 * time.Minute}, rate()),
		value("refresh", &a.Refresh, Limit{600, time.Minute}, rate()),
		value("validate", &a.Validate, Limit{600, time.Minute}, rate()))
}

const (
	mostInARate = 100_000
	longestRate = 30 * day
)

// rate is "10/15m", or "off" for no limit.
func rate() form[Limit] {
	return form[Limit]{
		rule:  fmt.Sprintf("must be a number from 1 to %d, a slash and a duration between 1s and %s, or off", mostInARate, FormatDuration(longestRate)),
		types: []string{"!!str"},
		parse: parseRate,
		show:  func(l Limit) any { return formatRate(l) },
	}
}

func parseRate(s string) (Limit, *mistake) {
	if s == "off" {
		return Limit{}, nil
	}
	number, span, _ := strings.Cut(s, "/")
	n, notNumber := strconv.Atoi(number)
	per, notDuration := parseDuration(span)
	if notNumber != nil || notDuration != nil || strconv.Itoa(n) != number || n < 1 || n > mostInARate || per < time.Second || per > longestRate {
		return Limit{}, &mistake{}
	}
	return Limit{N: n, Per: per}, nil
}

func formatRate(l Limit) string {
	if l.Off() {
		return "off"
	}
	return strconv.Itoa(l.N) + "/" + FormatDuration(l.Per)
}
