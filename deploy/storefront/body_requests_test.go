package storefront

import "strings"

// bodies have forms that PHP reads, or does not, in its own way.
func bodies() []request {
	form := func(name, body string) request { return post("form "+name, reported, formType, body) }
	_, multi := formOf("a=1", "b[]=2", "b[]=3", "c[d][e]=4", "dotted.name=5", "file;x.txt;text/plain=content")
	const boundary = "multipart/form-data; boundary=----WebKitFormBoundary7MA4YWxkTrZu0gW"
	typed := func(name, contentType string) request {
		return post("type "+name, reported, contentType, `{"a":1,"b":"c=d&e"}`)
	}
	return []request{
		form("plain", "a=1&b=2"),
		form("repeated", "a=1&a=2&b[]=1&b[]=2&b[x]=3&c.d=4&e f=5&g[h=6"),
		form("garbage", "%zz&=&==&[[&a[&&&%00=%00&\xff=\xfe"),
		form("semicolons", "a=1;b=2;c=%3B"),
		form("plus and percent", "a=1+2&b=1%2B2&c=%e2%82%ac&d=%E2%82"),
		form("no value", "a&b=&c"),
		form("empty", ""),
		form("1001 fields", strings.Repeat("f[]=1&", 1001)),
		form("100 KB field", "a="+strings.Repeat("x", 100<<10)),
		form("named _method", "_method=DELETE&rest_route=/wp/v2/posts"),
		form("chunked", "a=1&b=2").framed(chunked),
		form("on GET", "a=1").by("GET"),
		form("on PUT", "a=1").by("PUT"),
		form("on PATCH", "a=1").by("PATCH"),
		form("on DELETE", "a=1").by("DELETE"),
		post("multipart", reported, boundary, multi),
		post("multipart chunked", reported, boundary, multi).framed(chunked),
		post("multipart quoted boundary", reported, `multipart/form-data; boundary="----WebKitFormBoundary7MA4YWxkTrZu0gW"; charset=utf-8`, multi),
		post("multipart without boundary", reported, "multipart/form-data", multi),
		post("multipart empty boundary", reported, "multipart/form-data; boundary=", multi),
		post("multipart other boundary", reported, "multipart/form-data; boundary=x", multi),
		post("multipart without end", reported, boundary, multi[:len(multi)-30]),
		post("multipart cut in a part", reported, boundary, multi[:len(multi)/2]),
		post("multipart cut in a header", reported, boundary, multi[:70]),
		post("multipart line feeds only", reported, boundary, strings.ReplaceAll(multi, "\r\n", "\n")),
		post("multipart with preamble", reported, boundary, "preamble\r\n"+multi+"epilogue"),
		post("multipart empty body", reported, boundary, ""),
		post("multipart mixed", reported, "multipart/mixed; boundary=----WebKitFormBoundary7MA4YWxkTrZu0gW", multi),
		multipartPost("multipart UTF-8 names", reported, "größe=1", "файл;отчёт ä \U0001F600.txt;text/plain=x", `quo\"ted=1`),
		multipartPost("multipart large that names routes", reported, "message="+strings.Repeat("GET /wp-json/cocart/v2/cart?rest_route=/cocart/v2/login ", 2000), "log;error.log;text/plain="+strings.Repeat("rest_route=/cocart/v2/cart\n", 5000)),
		multipartPost("multipart with a field rest_route", reported, "rest_route=/wp/v2/types", "a=1"),
		multipartPost("multipart 4 MB file", reported, "video;clip.mp4;video/mp4="+strings.Repeat("0123456789abcdef", 256<<10)),
		post("multipart expecting", reported, boundary, multi).framed(expecting),
		typed("JSON", jsonType),
		typed("JSON twice in one line", "application/json, application/json"),
		typed("JSON in capitals", "APPLICATION/JSON;CHARSET=UTF8"),
		typed("JSON API", "application/vnd.api+json"),
		typed("beginning with a semicolon", ";application/json"),
		typed("stars", "*/*"),
		typed("one word", "json"),
		typed("empty", ""),
		typed("blank", " "),
		typed("text", "text/plain; application/json"),
		typed("form with parameters", formType+"; charset=UTF-8; boundary=x"),
		typed("form in capitals", "Application/X-WWW-Form-Urlencoded"),
		typed("octets", "application/octet-stream"),
		typed("with odd parameters", `application/json; charset="utf-8"; q=1;; ;x`),
		typed("with bytes", "application/json; x=\xe4"),
		post("type twice, equal", reported, jsonType, `{"a":1}`, "Content-Type: application/json"),
		post("type twice, different", reported, jsonType, `a=1`, "Content-Type: "+formType),
		post("JSON broken", reported, jsonType, `{"a":`),
		post("JSON with NUL", reported, jsonType, "{\"a\":\"\\u0000\"}\x00"),
		post("binary", reported, "application/octet-stream", "\x00\x01\xff\xfe\r\n\r\n0\r\n"),
		post("lines", reported, "application/x-ndjson", "{}\n{}\n"),
		post("CSP report", reported, "application/csp-report", `{"csp-report":{}}`),
		post("beacon", reported, "text/plain;charset=UTF-8", `{"event":"view"}`),
		post("protobuf", reported, "application/x-protobuf", "\x08\x96\x01"),
		post("body of one byte", reported, "text/plain", "x"),
		{name: "POST without a body", method: "POST", target: reported},
		{name: "JSON on DELETE", method: "DELETE", target: reported, head: []string{"Content-Type: application/json"}, body: `{"force":true}`},
		{name: "JSON on PATCH", method: "PATCH", target: reported, head: []string{"Content-Type: application/merge-patch+json"}, body: `{"a":null}`},
	}
}
