package wprequest

import (
	"testing"
)

// CoCart looks for a password in a body where application/json is left of the Content-Type once tags are out of it.
func TestTypesThatAreJSONToCoCartAlone(t *testing.T) {
	for contentType, want := range map[string]bool{
		"application/json": true, "text/plain; application/json": true, "APPLICATION/JSON": true, "application/js<b>on": true, "application/js%6fon": true, "application/js%6on": false, "applica%20tion/json": true,
		"application/js<script>x</script>on": true, "application/js<a<b>on": true, "appli%<b>41cation/json": true, "application/xml": false, "": false, "application/jso": false,
	} {
		if got := coCartJSON(contentType); got != want {
			t.Errorf("%q: %v", contentType, got)
		}
	}
}

func TestFieldsOfAFormAreCountedAcrossPieces(t *testing.T) {
	multipart := "--x\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1\r\n--x\r\nContent-Disposition: form-data; name=\"b\"\r\n\r\n2\r\n--x--\r\n"
	for name, row := range map[string]struct {
		kind, body string
		want       int // separators between the fields
	}{
		"a form":         {"application/x-www-form-urlencoded", "a=1&b=2&c=3", 2},
		"multipart":      {"multipart/form-data; boundary=x", multipart, 1},
		"no boundary":    {"multipart/form-data", multipart, -1},
		"no form at all": {"application/json", `{"a":"&"}`, -1},
	} {
		for size := 1; size <= len(row.body); size++ {
			c := NewFieldCounter(row.kind)
			if (c == nil) != (row.want < 0) {
				t.Fatalf("%s: %+v", name, c)
			}
			got := row.want
			for at := 0; c != nil && at < len(row.body); at += size {
				got = c.Count([]byte(row.body[at:min(at+size, len(row.body))]))
			}
			if got != row.want {
				t.Fatalf("%s in pieces of %d bytes: %d, want %d", name, size, got, row.want)
			}
		}
	}
}
