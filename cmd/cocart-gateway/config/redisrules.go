package config

import (
	"crypto/x509"
	"fmt"
	"strings"

	"cocart-gateway/cmd/cocart-gateway/config/schema"
)

var certificates = schema.SecretForm{
	Rule:   "must be a certificate in PEM",
	Remedy: "name a file that begins with -----BEGIN CERTIFICATE-----",
	Check: func(s string) *schema.Mistake {
		if !x509.NewCertPool().AppendCertsFromPEM([]byte(s)) {
			return &schema.Mistake{Value: "contains no certificate"}
		}
		return nil
	},
}

// setting is a key below redis and whether it differs from its default.
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

// refuse reports every setting that has no effect here.
func refuse(r *schema.Reader, settings []setting, m schema.Mistake) {
	for _, s := range settings {
		if key := "redis." + s.key; s.set && r.Sound(key) {
			r.Report(r.At(key, key+"_file"), m)
		}
	}
}

// checkRedis refuses settings that have no effect in this mode: an operator would believe that they work.
func checkRedis(c *Redis, r *schema.Reader, given *redisURL) {
	if !r.Sound("redis.address", "redis.mode") {
		return
	}
	if c.Embedded() {
		all := append([]setting{{"mode", c.Mode != "standalone"}, {"tls", c.TLS}, {"wait_replicas", c.WaitReplicas != 0}}, c.sentinelSettings()...)
		refuse(r, append(all, c.tlsSettings()...), schema.Mistake{Value: "is set, though redis.address is embedded",
			Rule: "must not be set: the embedded store is part of the gateway", Remedy: "remove it, or write the address of a Redis server"})
		return
	}
	checkRedisMode(c, r, given)
	checkRedisUsers(c, r)
	checkRedisTLS(c, r)
}

func checkRedisMode(c *Redis, r *schema.Reader, given *redisURL) {
	sentinel := c.Mode == "sentinel"
	switch {
	case c.Mode == "standalone" && len(c.Addresses) > 1:
		r.Reject(r.At("redis.address"), fmt.Sprintf("is a list of %d addresses", len(c.Addresses)),
			"must be one address if redis.mode is standalone", "write mode: sentinel or mode: cluster, or one address")
	case c.Mode == "cluster" && c.WaitReplicas != 0 && r.Sound("redis.wait_replicas"):
		r.Reject(r.At("redis.wait_replicas"), fmt.Sprintf("is %d", c.WaitReplicas), "must be 0 if redis.mode is cluster",
			"remove it: a cluster promotes the replica that has most, and min-replicas-to-write limits what is lost")
	case c.Mode == "cluster" && c.DB != 0 && r.Sound("redis.db"):
		r.Reject(r.At("redis.db", "redis.address"), fmt.Sprintf("names database %d", c.DB), "must be database 0 if redis.mode is cluster",
			"remove it; give each shop a redis.prefix of its own")
	case sentinel && c.Master == "" && r.Sound("redis.master"):
		r.Reject(r.At("redis.master", "redis.mode"), "lacks redis.master", "must be the name in sentinel monitor NAME of the Sentinels",
			"write e.g. master: mymaster")
	case sentinel && given.noPort:
		r.Reject(r.At("redis.address"), "has no port", "must have the port of the Sentinel", "write e.g. redis://redis.example.com:26379")
	}
	if !sentinel {
		refuse(r, c.sentinelSettings(), schema.Mistake{Value: "is set, though redis.mode is " + c.Mode, Rule: "requires mode: sentinel", Remedy: "remove it, or write mode: sentinel"})
	}
}

// checkRedisUsers requires a password for a user: the client ignores a user without one and would be the default user.
func checkRedisUsers(c *Redis, r *schema.Reader) {
	for _, user := range []struct {
		setting
		password schema.Secret
	}{{setting{"", c.Username != ""}, c.Password}, {setting{"sentinel_", c.SentinelUsername != ""}, c.SentinelPassword}} {
		key, password := "redis."+user.key+"username", "redis."+user.key+"password"
		if user.set && !user.password.IsSet() && r.Sound(key, password, password+"_file") {
			r.Reject(r.At(key, "redis.address"), "names a user without a password", "requires "+password, "give "+password+" or "+password+"_file")
		}
	}
}

func checkRedisTLS(c *Redis, r *schema.Reader) {
	if !c.TLS {
		refuse(r, c.tlsSettings(), schema.Mistake{Value: "is set, though redis.tls is false", Rule: "requires tls: true", Remedy: "write tls: true, or remove it"})
		return
	}
	if !r.Sound("redis.tls_cert", "redis.tls_cert_file", "redis.tls_key", "redis.tls_key_file") {
		return
	}
	at := r.At("redis.tls_key", "redis.tls_key_file", "redis.tls_cert", "redis.tls_cert_file")
	_, err := KeyPair([]byte(c.TLSCert), []byte(c.TLSKey.Reveal()))
	switch {
	case c.TLSCert == "" && !c.TLSKey.IsSet():
	case c.TLSCert == "" || !c.TLSKey.IsSet():
		r.Reject(at, "is given alone", "requires both redis.tls_cert and redis.tls_key", "give tls_cert_file and tls_key_file")
	case err != nil:
		r.Reject(at, "cannot be used: "+strings.TrimPrefix(err.Error(), "tls: "), "must be the private key of redis.tls_cert",
			"give two files that belong together")
	}
}
