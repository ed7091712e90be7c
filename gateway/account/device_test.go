package account

import (
	"testing"
	"unicode"
)

func TestAUserAgentAsPeopleCallTheDevice(t *testing.T) {
	for agent, want := range map[string]string{
		"Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.0 Mobile/15E148 Safari/604.1": "Safari on iPhone",
		"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36":                         "Chrome on Windows",
		"MyShop/1.2 CFNetwork/1408.0.4 Darwin/22.5.0": "MyShop on an Apple device",
		"MyShop/3.1 (Android 14; Pixel 8)":            "MyShop on Pixel 8",
		"MyShop/1.0 (iPhone; iOS 17.2; Scale/3.00)":   "MyShop on iPhone",
		"okhttp/4.9.3":                  "okhttp",
		"Dart/3.2 (dart:io)":            "Dart",
		"node":                          "node",
		"":                              "Unknown device",
		"Mozilla/5.0":                   "Mozilla",
		"<script>alert(1)</script>":     "Unknown device",
		"\u202egnp.exe/1.0":             "Unknown device",
		"12345":                         "Unknown device",
		"&lt;b&gt;/1 (Android 14; <i>)": "Unknown device",
		"MyShop/3.1 (Android 14; \u202e8 lexiP<script>)": "MyShop on Android",
	} {
		if got := Device(agent); got != want {
			t.Errorf("%q: %q, want %q", agent, got, want)
		}
	}
}

func FuzzADeviceIsAPlainName(f *testing.F) {
	for _, agent := range []string{"", "MyShop/3.1 (Android 14; Pixel 8)", "<b>/1", "a\nb/2", "\xff\xfe", "(((;;;)))", "Mozilla/5.0 (;", "/"} {
		f.Add(agent)
	}
	f.Fuzz(func(t *testing.T, agent string) {
		for _, r := range Device(agent) {
			if !unicode.IsGraphic(r) || r == '<' || r == '>' || r == '"' || r == '&' {
				t.Errorf("%q: %q", agent, Device(agent))
			}
		}
	})
}
