package shop

// NewerWordPress is one that deploy/demo/install.sh wordpress-next unpacks beside Debian's own.
type NewerWordPress struct {
	// Debian is the release that it is taken from.
	Debian string
	// Oldest is what the script takes for new enough. Sid's moves by itself.
	Oldest string
}

// NewerWordPresses are all of them, oldest first.
var NewerWordPresses = []NewerWordPress{{Debian: "trixie", Oldest: "6.8"}, {Debian: "sid", Oldest: "7.1"}}

// Dir is where it is, whether it was unpacked or not; good for Config.WordPress.
func (w NewerWordPress) Dir() string {
	return "/usr/local/share/cocart-gateway/wordpress-" + w.Debian
}
