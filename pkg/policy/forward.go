package policy

import (
	"net/netip"
	"slices"
)

// Channels that carry no command. Only a rule that names one of them admits it.
const (
	ChannelForward       = "forward"        // a connection from the host to somewhere
	ChannelForwardSocket = "forward-socket" // a connection to a Unix socket of the host
	ChannelRemoteForward = "remote-forward" // a listener at the host, whose connections come to the client
	ChannelAgent         = "agent"          // programs at the host use the client's keys
	ChannelX11           = "x11"            // programs at the host use the client's display
)

// Forward is where a forwarded connection leads, or what is listened on at the host.
type Forward struct {
	Name      string       // that was asked for, in small letters; "" where an address was
	Addresses []netip.Addr // every one that it may come to: unmapped, without a zone
	Port      uint16       // of a listener 0: any free one
	Socket    string       // a path, canonical and absolute, in the place of all of these
}

// byName says whether only a rule that names the channel of a command admits it.
func (s *SSH) byName() bool {
	return s != nil && slices.Contains([]string{"sftp", "scp", "rsync", "git", ChannelForward, ChannelForwardSocket, ChannelRemoteForward, ChannelAgent, ChannelX11}, s.Channel)
}

// place is one entry of `forwards` or `binds`: names, or addresses, and ports.
type place struct {
	text      string
	name      glob         // where prefix is invalid
	prefix    netip.Prefix // of addresses
	low, high uint16       // ports
}

type places []place

// everywhere says that no name, no address and no port is left out, but those apart.
func (p place) everywhere() bool {
	return (!p.prefix.IsValid() && p.name.everything() || p.prefix.IsValid() && p.prefix.Bits() == 0) && p.low <= 1 && p.high == 65535
}

// apart are addresses that no rule means unless it names them: what only the host itself has, or gives a meaning of its own.
// What runs there trusts whoever connects, as the metadata of a cloud do.
func apart() []netip.Prefix {
	var all []netip.Prefix
	for _, text := range []string{
		"0.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "224.0.0.0/4", "240.0.0.0/4", "192.0.0.0/24", "100.100.100.200/32",
		"::/96", "64:ff9b::/96", "64:ff9b:1::/48", "2001::/32", "2002::/16", "fe80::/10", "fec0::/10", "ff00::/8", "fd00:ec2::/32",
	} {
		all = append(all, netip.MustParsePrefix(text))
	}
	return all
}

// apartBinds are those of listeners: that others than the host's own programs reach them must be written out.
func apartBinds() []netip.Prefix {
	return []netip.Prefix{netip.MustParsePrefix("0.0.0.0/32"), netip.MustParsePrefix("::/128")}
}

// admit says whether everything that the connection may come to is listed.
func (l places) admit(f *Forward, apart []netip.Prefix) bool {
	unlisted := func(a netip.Addr) bool {
		return !slices.ContainsFunc(l, func(p place) bool { return p.admits(f, a, apart) })
	}
	return len(f.Addresses) > 0 && !slices.ContainsFunc(f.Addresses, unlisted)
}

// admits says whether the place covers one address of f. Those apart are covered only where nothing else is.
func (p place) admits(f *Forward, a netip.Addr, apart []netip.Prefix) bool {
	in := slices.IndexFunc(apart, func(x netip.Prefix) bool { return x.Contains(a) })
	switch {
	case f.Port < p.low || f.Port > p.high:
		return false
	case p.prefix.IsValid():
		return p.prefix.Contains(a) && (in < 0 || apart[in].Contains(p.prefix.Addr()) && p.prefix.Bits() >= apart[in].Bits())
	default:
		return in < 0 && (p.name.everything() || f.Name != "" && p.name.match(f.Name))
	}
}

// touch says whether anything that the connection may come to is listed.
func (l places) touch(f *Forward) bool {
	return slices.ContainsFunc(l, func(p place) bool {
		if f.Port != 0 && (f.Port < p.low || f.Port > p.high) {
			return false
		}
		if p.prefix.IsValid() {
			return slices.ContainsFunc(f.Addresses, p.prefix.Contains)
		}
		return p.name.everything() || f.Name != "" && p.name.match(f.Name)
	})
}

// leads says whether where a connection leads is what the rule asks for. Places are asked of the channels that they are for
// alone; a rule that names others beside them means those wholly.
func (f *sshFacts) leads(s *SSH, v Verdict) bool {
	to := s.Forward
	if to == nil {
		return true
	}
	list, apart := f.forwards, apart
	if s.Channel == ChannelRemoteForward {
		list, apart = f.binds, apartBinds
	}
	switch {
	case to.Socket != "" && f.sockets != nil:
		return f.sockets.match(to.Socket)
	case to.Socket == "" && list != nil && v == Allow:
		return list.admit(to, apart())
	case to.Socket == "" && list != nil:
		return list.touch(to)
	case s.Channel == ChannelRemoteForward && (f.sockets != nil || f.binds != nil): // the one stands, and this is the other
		return false
	default:
		return v != Allow
	}
}

// grants says whether a rule that matches can admit the command, and not only tighten what another one does.
func (r *rule) grants(cmd *Command) bool {
	switch {
	case r.verdict == Deny:
		return true
	case cmd.Kube.byName() && r.kube == nil:
		return false
	case r.verdict == Approve && (r.kube != nil && !r.kube.match(cmd.Kube, asking) || r.http != nil && !r.http.match(cmd.HTTP, asking)):
		return false
	case !cmd.SSH.byName():
		return true
	}
	return r.ssh != nil && slices.Contains(r.ssh.channels, cmd.SSH.Channel) && r.ssh.match(cmd.SSH, Allow) &&
		(r.files == nil || r.files.match(cmd.Files, Allow))
}

// Forwards are the places that rules let a subject's connections go to, with an approval or without.
type Forwards struct{ places places }

// Concern says whether any rule could let a connection to a name go somewhere, whatever the addresses of the name are. Where
// none could, nobody needs to find out what they are.
func (f Forwards) Concern(name string, port uint16) bool {
	return slices.ContainsFunc(f.places, func(p place) bool {
		return port >= p.low && port <= p.high && (p.prefix.IsValid() || p.name.match(name))
	})
}

func (p *Policy) forwards(s Subject, c Connection) (f Forwards) {
	if p == nil {
		return f
	}
	for i := range p.rules {
		if r := &p.rules[i]; r.verdict != Deny && r.ssh != nil && r.meets(&s, &c) {
			f.places = append(f.places, r.ssh.forwards...)
		}
	}
	return f
}
