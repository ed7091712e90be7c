package tokenstest

// Certificates names the files with which servers speak TLS on a second port, and among themselves on no other. Their
// own certificate must be for 127.0.0.1, and good for a server and for a client. Clients are asked for one, too.
type Certificates struct{ Authority, Own, Key string }

func (c *Certificates) arguments(port string) []string {
	return []string{"--tls-port", port, "--tls-replication", "yes", "--tls-cluster", "yes", "--tls-auth-clients", "yes",
		"--tls-ca-cert-file", c.Authority, "--tls-cert-file", c.Own, "--tls-key-file", c.Key}
}

// first is how callers leave them out.
func first(of []*Certificates) *Certificates {
	if len(of) == 0 {
		return nil
	}
	return of[0]
}

// meets is the port at which the other servers find it.
func (s *Server) meets() string {
	if s.certificates != nil {
		return port(s.secure)
	}
	return port(s.addr)
}
