package sshhost_test

import (
	"bytes"
	"io"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/hoop-gateway/hoop/pkg/record"
)

const detected = `
version: 1
rules: [{name: all, effects: [shell, read, write, delete, execute, transfer, privilege, session, admin, unknown], verdict: allow}]
masks: [{name: leaks, detect: [email, credit_card, us_ssn, iban, phone, jwt, aws_key, private_key, api_token], as: redact}]
`

var escapes = regexp.MustCompile(`(\x1b|\\u001b)\[[0-9;]*[mK]`)

// drip puts a number out digit by digit, in colours, with pauses.
const drip = `n='4111 1111 1111 1111'; for i in $(seq 1 19); do printf '\033[3%dm%s' $((i%8)) "$(printf %s "$n" | cut -c$i)"; sleep 0.02; done; printf '\033[m done\n'`

func TestDetectorsLookAtATerminal(t *testing.T) {
	s := open(t, detected)
	x, err := s.client.NewSession()
	must(t, err)
	must(t, x.RequestPty("xterm", 24, 80, nil))
	out, err := x.CombinedOutput(drip)
	must(t, err)
	plain := escapes.ReplaceAllString(string(out), "")
	if !strings.Contains(plain, "*** done") || strings.Contains(plain, "411") {
		t.Errorf("the client got %q", out)
	}
	if text := escapes.ReplaceAllString(s.recording(t), ""); strings.Contains(text, "4111 ") || strings.Contains(text, "41111") || !strings.Contains(text, "*** done") {
		t.Errorf("the recording is %s", text)
	}
}

func TestWhatIsTypedIsSeenAtOnceAndNotRecorded(t *testing.T) {
	s := open(t, detected)
	x, err := s.client.NewSession()
	must(t, err)
	must(t, x.RequestPty("xterm", 24, 80, nil))
	in, err := x.StdinPipe()
	must(t, err)
	out, err := x.StdoutPipe()
	must(t, err)
	must(t, x.Start("echo ready; cat > /dev/null"))
	awaitOutput(t, out, "ready\r\n")
	for _, key := range "pay 5555555555554444" {
		_, err := io.WriteString(in, string(key))
		must(t, err)
		awaitOutput(t, out, string(key))
	}
	_, err = io.WriteString(in, "\r\x04")
	must(t, err)
	must(t, x.Wait())
	var text bytes.Buffer
	must(t, record.Export(&text, reader(t, s.sealed(t)), record.FormatText))
	if strings.Contains(text.String(), "5555") || !strings.Contains(text.String(), "pay ***") {
		t.Errorf("the recording is %s", text.String())
	}
}

// BenchmarkKeystrokeEcho types a character at a time at a program on a terminal, and waits for each to come back.
func BenchmarkKeystrokeEcho(b *testing.B) {
	for _, way := range []struct {
		name string
		open func(*testing.B) *ssh.Client
	}{
		{"direct", func(b *testing.B) *ssh.Client { return directly(b) }},
		{"hoop", func(b *testing.B) *ssh.Client { return open(b, allowAll).client }},
		{"hoop, detectors", func(b *testing.B) *ssh.Client { return open(b, detected).client }},
	} {
		b.Run(way.name, func(b *testing.B) { typeAway(b, way.open(b)) })
	}
}

func typeAway(b *testing.B, client *ssh.Client) {
	x, err := client.NewSession()
	must(b, err)
	defer func() { _ = x.Close() }()
	must(b, x.RequestPty("xterm", 24, 80, nil))
	in, err := x.StdinPipe()
	must(b, err)
	out, err := x.StdoutPipe()
	must(b, err)
	must(b, x.Start("echo ready; cat > /dev/null"))
	awaitOutput(b, out, "ready\r\n")
	took := make([]time.Duration, 0, b.N)
	back := make([]byte, 16)
	for i := range b.N {
		began := time.Now()
		_, err := in.Write([]byte{"abc def 123 "[i%12]})
		must(b, err)
		_, err = io.ReadFull(out, back[:1])
		must(b, err)
		took = append(took, time.Since(began))
		if i%60 == 59 { // a new line, so that none is too long
			_, err = in.Write([]byte{'\r'})
			must(b, err)
			_, err = io.ReadFull(out, back[:2])
			must(b, err)
		}
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Microseconds()), "p50-us")
	b.ReportMetric(float64(took[len(took)*99/100].Microseconds()), "p99-us")
}
