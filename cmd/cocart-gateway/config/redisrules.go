package config

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"strings"
)

var certificates = secretForm{"must be a certificate in PEM", "name a file that begins with -----BEGIN CERTIFICATE-----", func(s string) *mistake {
	if !x509.NewCertPool().AppendCertsFromPEM([]byte(s)) {
		return &mistake{value: "holds no certificate"}
	}
	return nil
}}

// setting is a key below redis and whether it says something other than its default.
type setting struct {
	key string
	set bool
}

func (c *Redis) sentinelSettings() []setting {
	return []setting{{"master", c.Master != ""}, {"sentinel_username", c.SentinelUsername != ""}, {"sentinel_password", c.SentinelPassword.IsSet()}}
}

func (c *Redis) tlsSettings() []setting {
	return []setting{{"tls_ca", c.TLSCA != ""}, {"tls_cert", c.TLSCert != ""}, {"tls_key", c.TLSKey.IsSet()}, {"tls_server_name", c.TLSServerName != ""}}
}

// refuse reports every setting that was made but has no meaning here.
func (r *reader) refuse(settings []setting, m mistake) {
	for _, s := range settings {
		if key := "redis." + s.key; s.set && r.sound(key) {
			r.report(r.at(key, key+"_file"), m)
		}
	}
}

// checkRedis is about settings of one way to run Redis that make no sense in another: a setting that is quietly
// left alone would be believed to work.
func checkRedis(c *Redis, r *reader) {
	if !r.sound("redis.address", "redis.mode") {
		return
	}
	if c.Embedded() {
		all := append([]setting{{"mode", c.Mode != "standalone"}, {"tls", c.TLS}}, c.sentinelSettings()...)
		r.refuse(append(all, c.tlsSettings()...), mistake{"is set, though redis.address is embedded",
			"must be left out: the embedded store is a part of the gateway", "remove it, or write the address of a Redis server"})
		return
	}
	checkRedisMode(c, r)
	checkRedisUsers(c, r)
	checkRedisTLS(c, r)
}

func checkRedisMode(c *Redis, r *reader) {
	sentinel := c.Mode == "sentinel"
	switch {
	case c.Mode == "standalone" && len(c.Addresses) > 1:
		r.reject(r.at("redis.address"), fmt.Sprintf("is a list of %d addresses", len(c.Addresses)),
			"must be one address where redis.mode is standalone", "write mode: sentinel or mode: cluster, or one address")
	case c.Mode == "cluster" && c.DB != 0 && r.sound("redis.db"):
		r.reject(r.at("redis.db", "redis.address"), fmt.Sprintf("names database %d", c.DB), "must be database 0 where redis.mode is cluster",
			"remove it: redis.prefix tells two shops apart")
	case sentinel && c.Master == "" && r.sound("redis.master"):
		r.reject(r.at("redis.master", "redis.mode"), "lacks redis.master", "must name what the Sentinels watch, as in their sentinel monitor NAME",
			"write e.g. master: mymaster")
	case sentinel && r.redisURL.noPort:
		r.reject(r.at("redis.address"), "has no port", "must say on which port the Sentinel listens", "write e.g. redis://redis.example.com:26379")
	}
	if !sentinel {
		r.refuse(c.sentinelSettings(), mistake{"is set, though redis.mode is " + c.Mode, "must stand with mode: sentinel only", "remove it, or write mode: sentinel"})
	}
}

// checkRedisUsers: the client would not send a user without a password, and be the default user instead.
func checkRedisUsers(c *Redis, r *reader) {
	for _, user := range []struct {
		setting
		password Secret
	}{{setting{"", c.Username != ""}, c.Password}, {setting{"sentinel_", c.SentinelUsername != ""}, c.SentinelPassword}} {
		key, password := "redis."+user.key+"username", "redis."+user.key+"password"
		if user.set && !user.password.IsSet() && r.sound(key, password, password+"_file") {
			r.reject(r.at(key, "redis.address"), "names a user without a password", "must come with "+password, "give "+password+" or "+password+"_file")
		}
	}
}

func checkRedisTLS(c *Redis, r *reader) {
	if !c.TLS {
		r.refuse(c.tlsSettings(), mistake{"is set, though redis.tls is false", "must stand with tls: true only", "write tls: true, or remove it"})
		return
	}
	if !r.sound("redis.tls_cert", "redis.tls_cert_file", "redis.tls_key", "redis.tls_key_file") {
		return
	}
	at := r.at("redis.tls_key", "redis.tls_key_file", "redis.tls_cert", "redis.tls_cert_file")
	_, err := tls.X509KeyPair([]byte(c.TLSCert), []byte(c.TLSKey.Reveal()))
	switch {
	case c.TLSCert == "" && !c.TLSKey.IsSet():
	case c.TLSCert == "" || !c.TLSKey.IsSet():
		r.reject(at, "is given alone", "must be both redis.tls_cert and redis.tls_key, or neither", "give tls_cert_file and tls_key_file")
	case err != nil:
		r.reject(at, "is refused: "+strings.TrimPrefix(err.Error(), "tls: "), "must be the private key of redis.tls_cert",
			"give the two files that were made together")
	}
}
