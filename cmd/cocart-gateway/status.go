package main

import (
	"context"
	"errors"

	"cocart-gateway/cmd/cocart-gateway/config"
	"cocart-gateway/cmd/cocart-gateway/doctor"
	"cocart-gateway/gateway/admin"
)

// describe returns what the admin listener says of the process under a configuration.
func (p *program) describe(cfg *config.Config) admin.Program {
	b := buildOf()
	return admin.Program{Version: b.version, Revision: b.revision, Started: p.started, Certificates: p.listCertificates,
		Keys: func() (all []admin.Key) {
			listed, _ := keysOf(cfg, now()) // the keys of a configuration in force are good
			for _, k := range listed {
				all = append(all, admin.Key{ID: k.ID, Algorithm: k.Algorithm, Use: k.Use, RetireAt: k.RetireAt})
			}
			return all
		}}
}

func (p *program) listCertificates() (all []admin.Certificate) {
	for _, leaf := range p.certificates.Leaves() {
		names := append([]string{}, leaf.DNSNames...)
		for _, address := range leaf.IPAddresses {
			names = append(names, address.String())
		}
		all = append(all, admin.Certificate{Names: names, Begins: leaf.NotBefore.UTC(), Expires: leaf.NotAfter.UTC()})
	}
	return all
}

// examine runs the doctor on the configuration of a shop as it is written now, as the command does.
func (p *program) examine(ctx context.Context, shop string) any {
	cfg, err := p.cfg, error(nil)
	path := ""
	if p.from != nil {
		path = p.from.Path()
		cfg, err = loadConfig(path, p.env)
	}
	if err == nil {
		cfg, err = cfg.Shop(shop)
	}
	return doctor.Examine(ctx, path, cfg, err, doctorOptions(now))
}

// changes returns what a reload would change now. It does not disturb the watch of the files.
func (p *program) changes() (would admin.Reloaded, problems []string) {
	if p.from == nil {
		return would, []string{errNoFile.Error()}
	}
	changes, err := p.from.Preview(p.inForce())
	if err != nil {
		return would, problemsOf(err)
	}
	return admin.Reloaded(changes), nil
}

var errNoFile = errors.New("the gateway was not started from a file")
