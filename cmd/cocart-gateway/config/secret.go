package config

import (
	"fmt"
	"log/slog"
)

const redacted = "[redacted]"

// Secret is a value that must not be seen: whatever prints, logs or encodes it gets "[redacted]", or nothing
// where no secret is set. Only [Secret.Reveal] gives it away.
type Secret struct{ value string }

// NewSecret wraps value.
func NewSecret(value string) Secret { return Secret{value} }

// Reveal returns the secret itself, byte for byte, for the code that computes with it.
func (s Secret) Reveal() string { return s.value }

// IsSet reports whether there is a secret at all.
func (s Secret) IsSet() bool { return s.value != "" }

// String says that there is a secret, not which.
func (s Secret) String() string {
	if s.IsSet() {
		return redacted
	}
	return ""
}

// Format keeps every verb from the value: %x or %#v would otherwise look inside.
func (s Secret) Format(f fmt.State, verb rune) {
	if verb == 'q' {
		fmt.Fprintf(f, "%q", s.String())
		return
	}
	fmt.Fprint(f, s.String())
}

// LogValue is what slog writes.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }

// MarshalText is what JSON and other encoders write.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// MarshalYAML is what YAML writes.
func (s Secret) MarshalYAML() (any, error) { return s.String(), nil }
