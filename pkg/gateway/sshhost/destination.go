package sshhost

import (
	"context"
	"errors"
	"net/netip"
	"path"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/hoop-gateway/hoop/pkg/policy"
)

// Names turns names of hosts into addresses. An error means that nothing is known, and refuses.
type Names interface {
	LookupNetIP(ctx context.Context, network, host string) ([]netip.Addr, error)
}

// Bounds of what a client may name, and of finding out what it means.
const (
	maxName      = 253
	maxLabel     = 63
	maxSocket    = 107 // a path of a Unix socket, without its end
	maxAddresses = 16
	lookUpWithin = 5 * time.Second
)

// canonicalHost reads what a connection is to go to: an address without a zone, or a name that no resolver takes for an
// address. problem says why it is neither.
func canonicalHost(host string) (name string, addr netip.Addr, problem string) {
	if a, err := netip.ParseAddr(host); err == nil {
		addr, problem = canonicalAddr(a)
		return "", addr, problem
	}
	name = strings.ToLower(strings.TrimSuffix(host, "."))
	switch {
	case name == "localhost":
		return "", netip.AddrFrom4([4]byte{127, 0, 0, 1}), ""
	case host == "":
		return "", addr, "it names no host"
	case len(name) > maxName || !utf8.ValidString(host) || slices.ContainsFunc(strings.Split(name, "."), badLabel):
		return "", addr, "it is neither a name nor an address"
	case numeric(name[strings.LastIndexByte(name, '.')+1:]):
		return "", addr, "addresses are written in full, in decimal, or in hexadecimal between colons"
	}
	return name, addr, ""
}

// canonicalAddr is an address in the one form in which it is judged and sent.
func canonicalAddr(a netip.Addr) (netip.Addr, string) {
	a = a.Unmap()
	switch {
	case a.Zone() != "":
		return netip.Addr{}, "an address with a zone means something else on every machine"
	case a.IsUnspecified() || a.IsMulticast() || a == netip.AddrFrom4([4]byte{255, 255, 255, 255}):
		return netip.Addr{}, "it is the address of no host"
	}
	return a, ""
}

func badLabel(label string) bool {
	return label == "" || len(label) > maxLabel || label[0] == '-' || strings.Trim(label, "abcdefghijklmnopqrstuvwxyz0123456789-_") != ""
}

// numeric says that some resolver would take a name with this last label for an address: 127.1, 0x7f000001, 017700000001.
func numeric(label string) bool {
	return strings.Trim(label, "0123456789") == "" || strings.HasPrefix(label, "0x") && strings.Trim(label[2:], "0123456789abcdef") == ""
}

// canonicalSocket reads a path of a Unix socket at the host.
func canonicalSocket(name string) (problem string) {
	switch {
	case name == "" || len(name) > maxSocket || !utf8.ValidString(name) || strings.ContainsFunc(name, control):
		return "it is no path of a socket"
	case name[0] != '/' || path.Clean(name) != name:
		return "it is not an absolute path in its shortest form"
	}
	return ""
}

func control(r rune) bool {
	return r < ' ' || r == 0x7f || r >= 0x80 && r < 0xa0 || r == utf8.RuneError
}

// destination finds out, once, which addresses a connection to a host and port may come to. What it answers is what is
// judged, and what the host is asked for.
func destination(ctx context.Context, names Names, host string, port uint32) (policy.Forward, string) {
	name, addr, problem := canonicalHost(host)
	switch {
	case problem != "":
		return policy.Forward{}, problem
	case port == 0 || port > 65535:
		return policy.Forward{}, "there is no such port"
	}
	f := policy.Forward{Name: name, Port: uint16(port)}
	if name == "" {
		f.Addresses = []netip.Addr{addr}
		return f, ""
	}
	ctx, cancel := context.WithTimeout(ctx, lookUpWithin)
	defer cancel()
	found, err := names.LookupNetIP(ctx, "ip", name)
	if errors.Is(err, errUnconcerned) {
		return f, ""
	}
	if err != nil || len(found) == 0 {
		return f, "the gateway finds no address of that name"
	}
	for _, a := range found {
		if a, problem = canonicalAddr(a); problem != "" {
			return f, "of its address at the gateway: " + problem
		}
		if !slices.Contains(f.Addresses, a) {
			f.Addresses = append(f.Addresses, a)
		}
	}
	if len(f.Addresses) > maxAddresses {
		return f, "it has too many addresses to judge"
	}
	return f, ""
}

// binding reads what a listener at the host is to listen on. The empty name is every address, as in RFC 4254, section 7.1.
func binding(host string, port uint32) (policy.Forward, string) {
	if port > 65535 {
		return policy.Forward{}, "there is no such port"
	}
	f := policy.Forward{Port: uint16(port)}
	if host == "" || host == "*" {
		f.Addresses = []netip.Addr{netip.IPv4Unspecified(), netip.IPv6Unspecified()}
		return f, ""
	}
	if a, err := netip.ParseAddr(host); err == nil && a.Unmap().IsUnspecified() && a.Zone() == "" {
		f.Addresses = []netip.Addr{a.Unmap()}
		return f, ""
	}
	name, addr, problem := canonicalHost(host)
	if name != "" {
		problem = "what is listened on is an address"
	}
	f.Addresses = []netip.Addr{addr}
	return f, problem
}
