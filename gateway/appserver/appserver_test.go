package appserver_test

import (
	"errors"
	"net/http"
	"net/netip"
	"strings"
	"testing"

	"cocart-gateway/gateway/appserver"
)

var servers = appserver.New([]appserver.Server{{Name: "web", Secrets: []string{"new:secret", "old"}}, {Name: "app", Secrets: []string{"other"}}})

func TestWhoSentARequest(t *testing.T) {
	for name, row := range map[string]struct {
		keys, addresses []string
		want            appserver.Caller
		err             error
	}{
		"neither":                   {nil, nil, appserver.Caller{}, nil},
		"an address alone":          {nil, []string{"192.0.2.7"}, appserver.Caller{}, nil},
		"the new secret":            {[]string{"web:new:secret"}, []string{"192.0.2.7"}, appserver.Caller{Name: "web", Client: netip.MustParseAddr("192.0.2.7")}, nil},
		"the old secret":            {[]string{"web: old "}, []string{" 2001:db8::7"}, appserver.Caller{Name: "web", Client: netip.MustParseAddr("2001:db8::7")}, nil},
		"no address":                {[]string{"app:other"}, nil, appserver.Caller{Name: "app"}, nil},
		"a mapped address":          {[]string{"app:other"}, []string{"::ffff:192.0.2.7"}, appserver.Caller{Name: "app", Client: netip.MustParseAddr("192.0.2.7")}, nil},
		"the secret of another":     {[]string{"app:old"}, nil, appserver.Caller{}, appserver.ErrKey},
		"an unknown name":           {[]string{"api:other"}, nil, appserver.Caller{}, appserver.ErrKey},
		"no secret":                 {[]string{"web"}, nil, appserver.Caller{}, appserver.ErrKey},
		"an empty key":              {[]string{""}, nil, appserver.Caller{}, appserver.ErrKey},
		"two keys":                  {[]string{"app:other", "app:other"}, nil, appserver.Caller{}, appserver.ErrKey},
		"two addresses":             {[]string{"app:other"}, []string{"192.0.2.7", "192.0.2.8"}, appserver.Caller{Name: "app"}, appserver.ErrAddress},
		"a list":                    {[]string{"app:other"}, []string{"192.0.2.7, 192.0.2.8"}, appserver.Caller{Name: "app"}, appserver.ErrAddress},
		"a port":                    {[]string{"app:other"}, []string{"192.0.2.7:80"}, appserver.Caller{Name: "app"}, appserver.ErrAddress},
		"a zone":                    {[]string{"app:other"}, []string{"fe80::1%eth0"}, appserver.Caller{Name: "app"}, appserver.ErrAddress},
		"an empty address":          {[]string{"app:other"}, []string{""}, appserver.Caller{Name: "app"}, appserver.ErrAddress},
		"the machine itself":        {[]string{"app:other"}, []string{"127.0.0.1"}, appserver.Caller{Name: "app"}, appserver.ErrAddress},
		"the machine itself, IPv6":  {[]string{"app:other"}, []string{"::1"}, appserver.Caller{Name: "app"}, appserver.ErrAddress},
		"the machine itself, both":  {[]string{"app:other"}, []string{"::ffff:127.0.0.1"}, appserver.Caller{Name: "app"}, appserver.ErrAddress},
		"an address with bad blank": {[]string{"app:other"}, []string{"192.0.2. 7"}, appserver.Caller{Name: "app"}, appserver.ErrAddress},
	} {
		h := http.Header{"Accept": {"x"}}
		if row.keys != nil {
			h[appserver.KeyHeader] = row.keys
		}
		if row.addresses != nil {
			h[appserver.AddressHeader] = row.addresses
		}
		got, err := servers.Identify(h)
		if got != row.want || !errors.Is(err, row.err) {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
		if len(h) != 1 {
			t.Errorf("%s: left %v", name, h)
		}
	}
	if _, err := (appserver.Servers{}).Identify(http.Header{appserver.KeyHeader: {"web:old"}}); !errors.Is(err, appserver.ErrKey) {
		t.Errorf("without any: %v", err)
	}
}

func FuzzOnlyAKeyNamesAServer(f *testing.F) {
	f.Add("web:old", "192.0.2.7")
	f.Add("web:", "::1")
	f.Fuzz(func(t *testing.T, key, address string) {
		got, err := servers.Identify(http.Header{appserver.KeyHeader: {key}, appserver.AddressHeader: {address}})
		name, secret, _ := strings.Cut(key, ":")
		secret = strings.TrimSpace(secret)
		good := name == "web" && (secret == "old" || secret == "new:secret") || name == "app" && secret == "other"
		if good != (got.Name == name && got.Name != "") || good == errors.Is(err, appserver.ErrKey) || got.Client.IsValid() != (err == nil) {
			t.Errorf("%q, %q: %+v, %v", key, address, got, err)
		}
	})
}
