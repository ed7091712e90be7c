package main

import (
	"context"
	"fmt"
	"strings"
)

const (
	site          = "https://shop.example"
	signingSecret = "what-the-programs-of-the-benchmark-sign-with-in-all-of-them"
	sharedSecret  = "a shared secret of the benchmark, of 32 bytes and more"
	adminToken    = "the administration token of the benchmark"
)

// startOrigin runs nginx as the shop: it answers at once, with 2 KB.
func (p *programs) startOrigin(ctx context.Context) (program, error) {
	address, err := freeAddress()
	if err != nil {
		return program{}, err
	}
	item := `{"item_key":"0123456789abcdef","title":"A shirt","price":"1900","quantity":{"value":1,"min_purchase":1}},`
	json := `{"cart_key":"2","items":[` + strings.TrimSuffix(strings.Repeat(item, 19), ",") + `]}`
	return p.nginx(ctx, "origin", address, `
    location /wp-json/ { default_type "application/json; charset=UTF-8"; return 200 '`+json+`'; }
    location / { default_type text/html; return 200 "`+strings.Repeat("<p>A page of the shop</p>", 80)+`"; }`)
}

// nginx runs one with two workers, the number of CPUs of the layout.
func (p *programs) nginx(ctx context.Context, name, address, locations string) (program, error) {
	file, err := p.write(name+".conf", fmt.Sprintf(`worker_processes 2;
daemon off;
pid %[1]s/%[2]s.pid;
error_log stderr error;
events { worker_connections 12000; }
http {
  access_log off;
  keepalive_requests 100000000;
  client_body_temp_path %[1]s/%[2]s.body; proxy_temp_path %[1]s/%[2]s.proxy; fastcgi_temp_path %[1]s/%[2]s.fastcgi;
  uwsgi_temp_path %[1]s/%[2]s.uwsgi; scgi_temp_path %[1]s/%[2]s.scgi;
  server {
    listen %[3]s backlog=4096;
    %[4]s
  }
}
`, p.dir, name, address, locations))
	if err != nil {
		return program{}, err
	}
	return p.launch(ctx, name, address, "nginx", "-e", "stderr", "-c", file)
}

func (p *programs) startBare(ctx context.Context, name string, origin program) (program, error) {
	address, err := freeAddress()
	if err != nil {
		return program{}, err
	}
	binary, err := p.build(ctx, "bench-bare", "cocart-gateway/deploy/bench/bare")
	if err != nil {
		return program{}, err
	}
	return p.launch(ctx, name, address, binary, address, origin.address)
}
