package account

import (
	"strings"
	"unicode"

	"github.com/mileusna/useragent"
)

// Device returns a name for people to the User-Agent of a session: "Safari on iPhone",
// "MyShop on Pixel 8", or "Unknown device". It proves nothing: a client may send any
// User-Agent.
func Device(agent string) string {
	u := useragent.Parse(agent)
	name, _, _ := strings.Cut(u.Name, "/")
	if !readable(name) {
		return "Unknown device"
	}
	on := u.Device
	if on == "" || !readable(on) {
		on = u.OS
	}
	if on == "" && strings.Contains(agent, "CFNetwork/") { // what apps send through the libraries of iOS and macOS
		on = "an Apple device"
	}
	if on == "" || on == name {
		return name
	}
	return name + " on " + on
}

// readable reports whether a name has a letter, and nothing that changes how a page or a
// terminal shows the text around it.
func readable(name string) bool {
	odd := func(r rune) bool { return !unicode.IsGraphic(r) || strings.ContainsRune("<>&\"'`\\\ufffd", r) }
	return strings.IndexFunc(name, unicode.IsLetter) >= 0 && strings.IndexFunc(name, odd) < 0
}
