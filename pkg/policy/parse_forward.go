package policy

import (
	"fmt"
	"net/netip"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/hoop-gateway/hoop/pkg/policy/strict"
)

// places reads "HOST:PORTS": a name, a pattern of names, an address or a range of them; one port, "80-90" or "*".
func (d *decoder) places(l *places, names bool) func(*strict.Node) {
	return func(n *strict.Node) {
		*l = places{}
		d.Each(n, func(n *strict.Node) {
			p, problem, hint := readPlace(d.Text(n), names)
			if problem != "" {
				d.Report(n, fmt.Sprintf("%q: %s", n.Text, problem), hint)
			}
			*l = append(*l, p)
		})
	}
}

const placeHint = `write "db.internal:5432", "*.internal:80-90", "10.1.0.0/16:443" or "[fd00::/8]:*"`

func readPlace(text string, names bool) (p place, problem, hint string) {
	p.text = text
	at := strings.LastIndexByte(text, ':')
	if at < 0 {
		return p, "it has no port", placeHint
	}
	host, ports := text[:at], text[at+1:]
	var ok bool
	if p.low, p.high, ok = readPorts(ports); !ok {
		return p, "its port is none of 1 to 65535, nor a range of them, nor *", placeHint
	}
	bare := strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
	if six := strings.Contains(bare, ":"); six != (len(bare) == len(host)-2) || !six && len(bare) != len(host) {
		return p, "an IPv6 address, and nothing else, stands in [ ]", placeHint
	}
	if strings.ContainsAny(bare, ":/") || looksNumeric(bare) {
		p.prefix, problem, hint = readPrefix(bare)
		return p, problem, hint
	}
	if !names {
		return p, "what is listened on is an address", `write "127.0.0.1:8080"; everything that the host has is "0.0.0.0:8080" and "[::]:8080"`
	}
	p.name = newGlob(bare)
	problem, hint = nameProblem(bare)
	return p, problem, hint
}

func readPorts(text string) (low, high uint16, ok bool) {
	if text == "*" {
		return 0, 65535, true
	}
	first, last, ranged := strings.Cut(text, "-")
	if !ranged {
		last = first
	}
	l, err := strconv.ParseUint(first, 10, 16)
	h, herr := strconv.ParseUint(last, 10, 16)
	plain := strconv.FormatUint(l, 10) == first && strconv.FormatUint(h, 10) == last
	return uint16(l), uint16(h), err == nil && herr == nil && plain && l > 0 && l <= h
}

// looksNumeric says that some reader of names would take this for an address: 10.1.2.3, 10.*, 0x7f.1.
func looksNumeric(host string) bool {
	label := host[strings.LastIndexByte(host, '.')+1:]
	digits := strings.TrimPrefix(label, "0x")
	return label != "" && label[0] >= '0' && label[0] <= '9' && strings.Trim(digits, "0123456789abcdef*") == "" ||
		strings.Trim(host, "0123456789.*") == "" && strings.ContainsAny(host, "0123456789")
}

func readPrefix(text string) (p netip.Prefix, problem, hint string) {
	if !strings.Contains(text, "/") {
		a, err := netip.ParseAddr(text)
		if err != nil {
			return p, "it is no address", `write "10.1.2.3" or, for a range, "10.1.0.0/16"`
		}
		text += "/" + strconv.Itoa(a.BitLen())
	}
	p, err := netip.ParsePrefix(text)
	switch {
	case err != nil:
		return p, "it is no range of addresses", `write it like "10.1.0.0/16" or "[fd00::/8]"`
	case p.Addr().Is4In6():
		return netip.Prefix{}, "IPv4 addresses are written as such", fmt.Sprintf("write %q", p.Addr().Unmap().String())
	case p != p.Masked():
		return p, "the address is not the first of its range", fmt.Sprintf("write %q", p.Masked().String())
	}
	return p, "", ""
}

// nameProblem says what is wrong with a pattern over names of hosts.
func nameProblem(name string) (problem, hint string) {
	switch {
	case name == "" || len(name) > 253 || strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789-_.*") != "":
		if lower := strings.ToLower(name); lower != name {
			return "names are compared in small letters, so it never matches", fmt.Sprintf("write %q", lower)
		}
		return "it is no name of a host", placeHint
	case newGlob(name).match("localhost") && !newGlob(name).everything():
		return "the host itself is reached only where its address is written", `write "127.0.0.1:PORT"`
	case strings.HasSuffix(name, ".") || strings.HasPrefix(name, "."):
		return "names stand without a dot at their ends", ""
	}
	return "", ""
}

// sockets reads paths of Unix sockets.
func (d *decoder) sockets(g *globs) func(*strict.Node) {
	return func(n *strict.Node) {
		*g = globs{}
		d.Each(n, func(n *strict.Node) {
			if text := d.Text(n); !strings.HasPrefix(text, "/") || path.Clean(text) != text {
				d.Report(n, fmt.Sprintf("%q is no absolute path in its shortest form, so it never matches", text), `write "/run/app/api.sock" or "/run/app/*"`)
			}
			*g = append(*g, newGlob(n.Text))
		})
	}
}

// checkForwards reports a rule that admits forwarding and does not say where to, and one that says it in vain.
func (d *decoder) checkForwards(n *strict.Node, r *rule) {
	if r.ssh == nil {
		return
	}
	f := r.ssh
	has := func(word string) bool { return slices.Contains(f.channels, word) }
	if r.verdict != Deny {
		if has(ChannelForward) && f.forwards == nil {
			d.Report(n, "it admits forwarding and does not say where to", `write: ssh: {channels: [forward], forwards: ["db.internal:5432"]}; everywhere is "*:*"`)
		}
		if has(ChannelForwardSocket) && f.sockets == nil {
			d.Report(n, "it admits forwarding to sockets and does not say to which", `write: ssh: {channels: [forward-socket], sockets: ["/run/app/api.sock"]}`)
		}
		if has(ChannelRemoteForward) && f.binds == nil && f.sockets == nil {
			d.Report(n, "it admits listeners at the host and does not say on what", `write: ssh: {channels: [remote-forward], binds: ["127.0.0.1:8080"]}`)
		}
	}
	for _, x := range []struct {
		key   string
		asked bool
		of    []string
	}{
		{"forwards", f.forwards != nil, []string{ChannelForward}},
		{"sockets", f.sockets != nil, []string{ChannelForwardSocket, ChannelRemoteForward}},
		{"binds", f.binds != nil, []string{ChannelRemoteForward}},
	} {
		if x.asked && !slices.ContainsFunc(x.of, has) {
			d.Report(n, x.key+" has a meaning beside the channel that it is for alone", "write: channels: ["+x.of[0]+"]")
		}
	}
}
