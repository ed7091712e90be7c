package load

import (
	"bytes"
	"strconv"
)

// These words in a request are replaced each time it is sent. The first two keep its length, so that Content-Length
// stays right.
const (
	Address = "10.nnn.nnn.nnn" // an address that few requests before had: 10.100.100.100 to 10.227.255.255
	Number  = "nnnnnnnn"       // 10000000 and up
	Carried = "{carried}"      // a field of the answer before; every value must have the length of the first ones
)

// appendRequest writes the n-th request.
func appendRequest(to, request []byte, n int, carried string) []byte {
	start := len(to)
	to = append(to, request...)
	sent := to[start:]
	if at := bytes.Index(sent, []byte(Address)); at >= 0 {
		octets := sent[at+3 : at+3]
		octets = strconv.AppendInt(octets, int64(100+n>>14%128), 10)
		octets = append(octets, '.')
		octets = strconv.AppendInt(octets, int64(100+n>>7%128), 10)
		octets = append(octets, '.')
		strconv.AppendInt(octets, int64(100+n%128), 10)
	}
	if at := bytes.Index(sent, []byte(Number)); at >= 0 {
		strconv.AppendInt(sent[at:at], int64(10_000_000+n%90_000_000), 10)
	}
	if carried != "" {
		return append(to[:start], bytes.Replace(sent, []byte(Carried), []byte(carried), 1)...)
	}
	return to
}
