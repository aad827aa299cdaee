package postgres_test

import (
	"io"
	"net"
	"strings"
	"testing"
	"time"
)

// openings are the messages that a connection may begin with, and what is none.
func openings() []move {
	start := func(code uint32, more string) bytesOf {
		return bytesOf(first(code, "user\x00agent\x00database\x00"+server.Database+"\x00"+more+"\x00"))
	}
	return []move{
		{"SSLRequest", bytesOf(first(80877103, ""))}, {"GSSENCRequest", bytesOf(first(80877104, ""))}, {"CancelRequest", bytesOf(first(80877102, "12345678"))},
		{"protocol 3.0", start(3<<16, "")}, {"protocol 3.2", start(3<<16|2, "")}, {"protocol 3.9999", start(3<<16|9999, "")}, {"protocol options", start(3<<16, "_pq_.one\x00x\x00_pq_.two\x00y\x00")},
		{"protocol 4.0", start(4<<16, "")}, {"protocol 2.0", start(2<<16, "")}, {"protocol 1234.1", start(1234<<16|1, "")},
		{"a setting", start(3<<16, "application_name\x00table\x00")}, {"another user", bytesOf(first(3<<16, "user\x00nosuch\x00\x00"))}, {"no user", bytesOf(first(3<<16, "\x00"))},
		{"replication", start(3<<16, "replication\x00true\x00")}, {"a role", start(3<<16, "role\x00postgres\x00")}, {"a search path", start(3<<16, "search_path\x00evil\x00")}, {"options", start(3<<16, "options\x00-c search_path=evil\x00")}, {"an encoding", start(3<<16, "client_encoding\x00SJIS\x00")},
		{"TLS", bytesOf("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03")}, {"a length of 7", bytesOf("\x00\x00\x00\x07\x00\x03\x00")}, {"a length of 10,001", bytesOf("\x00\x00\x27\x11\x00\x03\x00\x00")}, {"a length of 2^32-1", bytesOf("\xff\xff\xff\xff\x00\x03\x00\x00")},
		{"no end", bytesOf(first(3<<16, "user\x00agent\x00"))}, {"bytes behind the end", start(3<<16, "\x00x")}, {"HTTP", bytesOf("GET / HTTP/1.1\r\n\r\n")},
	}
}

// openingExceptions are how the gateway answers instead, with the reason. The server says END alone to what is no startup.
var openingExceptions = map[string]struct{ want, why string }{
	"TLS":                 {"E08P01 END", "it says why"},
	"HTTP":                {"E08P01 END", "it says why"},
	"protocol 2.0":        {"E0A000 END", "it says why in words of protocol 3"},
	"a length of 10,001":  {"E08P01 END", "it says why"},
	"a length of 2^32-1":  {"E08P01 END", "it says why"},
	"another user":        {"R Z", "who somebody is comes from the grant"},
	"no user":             {"R Z", "who somebody is comes from the grant"},
	"replication":         {"E0A000 END", "not served"},
	"a role":              {"E0A000 END", "roles come from the connection"},
	"a search path":       {"E0A000 END", "names mean what the connection says"},
	"options":             {"E0A000 END", "settings that are not on the list"},
	"an encoding":         {"E0A000 END", "texts are read as UTF-8"},
	"SSLRequest again":    {"E08P01 END", "encryption is asked for once"},
	"GSSENCRequest again": {"E08P01 END", "encryption is asked for once"},
}

// opened are the answers to messages that are sent one behind the other's answer, by their types.
func opened(t *testing.T, dial func() (net.Conn, error), all ...move) string {
	t.Helper()
	c, err := dial()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	if err := c.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
		t.Fatal(err)
	}
	var words []string
	for i, m := range all {
		_, _ = c.Write(join(m.say))
		if i == len(all)-1 || strings.HasPrefix(m.name, "protocol") {
			break
		}
		answer := make([]byte, 1)
		if _, err := io.ReadFull(c, answer); err != nil {
			return strings.Join(append(words, "END"), " ")
		}
		if words = append(words, string(answer)); answer[0] != 'N' {
			break
		}
	}
	if half, ok := c.(interface{ CloseWrite() error }); ok {
		_ = half.CloseWrite() // what is too short ends here
	}
	raw, err := io.ReadAll(c)
	if ended(err) != io.EOF && err != nil {
		t.Fatalf("%s: %v", all[len(all)-1].name, err)
	}
	return strings.Join(append(words, openingWords(raw)...), " ")
}

// openingWords are the types of messages but for settings and keys; without a ReadyForQuery the connection ended.
func openingWords(raw []byte) (words []string) {
	in := false
	for len(raw) >= 5 && !in {
		size := int(raw[1])<<24 | int(raw[2])<<16 | int(raw[3])<<8 | int(raw[4]) + 1
		if size > len(raw) {
			break
		}
		switch body := raw[5:size]; raw[0] {
		case 'S', 'K':
		case 'E':
			code, _, _ := strings.Cut(complaintOf(body), "[")
			words = append(words, "E"+strings.TrimPrefix(code, "FATAL:"))
		default:
			words = append(words, string(raw[:1]))
		}
		in = raw[0] == 'Z'
		raw = raw[size:]
	}
	if !in {
		words = append(words, "END")
	}
	return words
}

// Before a session there are few messages, so every row of them is tried: encryption asked for in any order, then anything.
func TestEveryOpeningIsAnsweredAsByTheServer(t *testing.T) {
	s := listen(t, allowAll)
	gate := func() (net.Conn, error) { return net.Dial("tcp", s.listener.Addr().String()) }
	needed := map[string]bool{}
	ssl, gss := openings()[0], openings()[1]
	for _, before := range [][]move{nil, {ssl}, {gss}, {ssl, gss}, {gss, ssl}} {
		for _, m := range openings() {
			row := append(before[:len(before):len(before)], m)
			want, got := opened(t, dialServer, row...), opened(t, gate, row...)
			if m.name == "protocol 3.2" { // servers from 18 on speak it; the gateway negotiates it down, as those before do
				want = strings.Replace(strings.Replace(want, "v R Z", "R Z", 1), "R Z", "v R Z", 1)
			}
			if got == want {
				continue
			}
			name := m.name
			for _, b := range before {
				if b.name == m.name {
					name += " again"
				}
			}
			e, known := openingExceptions[name]
			needed[name] = true
			if !known || got != strings.Repeat("N ", len(before))+e.want {
				t.Errorf("%d asked before, %s: got %s, want %s", len(before), m.name, got, want)
			}
		}
	}
	for name, e := range openingExceptions {
		if !needed[name] {
			t.Errorf("the exception for %s is not needed any more: %s", name, e.why)
		}
	}
}
