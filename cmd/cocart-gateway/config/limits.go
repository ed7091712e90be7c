package config

import (
	"strconv"
	"strings"
	"time"
)

// Limit is a number of attempts or requests in a period. The zero Limit is no limit.
type Limit struct {
	N   int
	Per time.Duration
}

// Off reports whether there is no limit.
func (l Limit) Off() bool { return l == (Limit{}) }

// NewcomerConfig limits passwords from networks that have no successful login on record.
type NewcomerConfig struct {
	Account Limit // wrong passwords of one account that is locked
	Address Limit // wrong passwords from one address
	Network Limit // wrong passwords from an IPv6 /48 or an IPv4 /24
}

// GuardConfig is how passwords are protected from guessing.
type GuardConfig struct {
	Account        Limit // wrong passwords of one account
	AccountNetwork Limit // wrong passwords of one account from one network
	Address        Limit // wrong passwords from one address
	Subnet         Limit // wrong passwords from an IPv6 /56
	Network        Limit // wrong passwords from an IPv6 /48 or an IPv4 /24
	Overall        Limit // wrong passwords from all networks without a good record
	Newcomer       NewcomerConfig
	SecondFactor   Limit // wrong second factors of one account
	Refresh        Limit // requests from one address
	Validate       Limit // requests from one address
	SiteLogin      bool  // passwords that are checked outside of CoCart's routes count
	UniformErrors  bool  // a wrong password and an unknown user look alike
}

func defaultGuard() GuardConfig {
	return GuardConfig{
		Account: Limit{N: 10, Per: 15 * time.Minute}, AccountNetwork: Limit{N: 5, Per: 15 * time.Minute},
		Address: Limit{N: 50, Per: 15 * time.Minute}, Subnet: Limit{N: 200, Per: 15 * time.Minute},
		Network: Limit{N: 500, Per: 15 * time.Minute}, Overall: Limit{N: 1000, Per: time.Minute},
		Newcomer: NewcomerConfig{
			Account: Limit{N: 10, Per: time.Hour}, Address: Limit{N: 3, Per: day}, Network: Limit{N: 12, Per: day},
		},
		SecondFactor: Limit{N: 5, Per: 15 * time.Minute},
		Refresh:      Limit{N: 600, Per: time.Minute}, Validate: Limit{N: 600, Per: time.Minute},
		SiteLogin:     true,
		UniformErrors: true,
	}
}

// guardLimits are the keys of the block limits that are about passwords and tokens.
func guardLimits(c *GuardConfig) []entry {
	return []entry{
		block("login",
			value("account", &c.Account, rate("10/15m")),
			value("account_network", &c.AccountNetwork, rate("5/15m")),
			value("address", &c.Address, rate("50/15m")),
			value("subnet", &c.Subnet, rate("200/15m")),
			value("network", &c.Network, rate("500/15m")),
			value("overall", &c.Overall, rate("1000/1m")),
			block("newcomer",
				value("account", &c.Newcomer.Account, rate("10/1h")),
				value("address", &c.Newcomer.Address, rate("3/1d")),
				value("network", &c.Newcomer.Network, rate("12/1d"))),
			value("site_login", &c.SiteLogin, truth())),
		value("second_factor", &c.SecondFactor, rate("5/15m")),
		value("refresh", &c.Refresh, rate("600/1m")),
		value("validate", &c.Validate, rate("600/1m")),
	}
}

func loginBlock(c *GuardConfig) entry {
	return block("login", value("uniform_errors", &c.UniformErrors, truth()))
}

const (
	mostInARate = 100_000
	longestRate = 30 * day
)

// rate is "10/15m", or "off" for no limit.
func rate(example string) form[Limit] {
	return form[Limit]{
		"must be a number from 1 to 100000, a slash and a duration between 1s and 30d, or off", "write e.g. " + example,
		[]string{"!!str"}, parseRate, func(l Limit) any { return formatRate(l) },
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
