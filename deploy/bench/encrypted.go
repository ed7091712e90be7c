package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"time"
)

// encrypted are the two candidates that end TLS, with the same certificate.
type encrypted struct {
	certificate, key string // files; the certificate is its own authority
	gateway          program
	caddy            program // its name is "" if there is no Caddy
}

const encryptedName = "gateway-tls"

func (b *bench) startEncrypted(ctx context.Context) error {
	e := &encrypted{}
	if err := e.certify(b.programs); err != nil {
		return err
	}
	address, err := freeAddress()
	if err != nil {
		return err
	}
	g, err := b.startGateway(ctx, encryptedName, b.origin, gatewayOptions{redis: b.gateway.redis.address,
		more: fmt.Sprintf("tls: {listen: %q, certificates: [{certificate_file: %q, key_file: %q}]}", address, e.certificate, e.key)})
	if err != nil {
		return err
	}
	e.gateway = g.program
	e.gateway.address = address
	if b.caddyBinary != "" {
		at, err := freeAddress()
		if err != nil {
			return err
		}
		_, port, err := net.SplitHostPort(at)
		if err != nil {
			return err
		}
		if e.caddy, err = b.caddy(ctx, caddyName+" TLS", at, "https://shop.example:"+port, "tls "+e.certificate+" "+e.key); err != nil {
			return err
		}
	}
	b.encrypted = e
	return nil
}

// overTLS are the measures over HTTP/2 and TLS, eight requests at a time on each of a quarter of the connections.
func (b *bench) overTLS() []measure {
	var all []measure
	for _, p := range []program{b.encrypted.caddy, b.encrypted.gateway} {
		if p.name == "" {
			continue
		}
		m := b.to(p, http2, 200, each(cart, b.access)...)
		m.Connections, m.HTTP2, m.CA = connections/4, true, b.encrypted.certificate
		all = append(all, m)
	}
	return all
}

func (e *encrypted) certify(p *programs) error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "make bench"}, DNSNames: []string{"shop.example"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour), IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return err
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return err
	}
	if e.certificate, err = p.write("tls.crt", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))); err != nil {
		return err
	}
	e.key, err = p.writeSecret("tls.key", string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private})))
	return err
}
