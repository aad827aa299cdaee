package policy_test

import (
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/hoop-gateway/hoop/pkg/policy"
)

func addresses(texts ...string) (all []netip.Addr) {
	for _, text := range texts {
		all = append(all, netip.MustParseAddr(text))
	}
	return all
}

func channel(word string, f *policy.Forward) policy.Command {
	return policy.Command{Accesses: []policy.Access{{Effect: policy.Transfer, Object: "x"}}, SSH: &policy.SSH{Channel: word, Forward: f}}
}

// to is a forwarded connection to a name, or to an address where the name is empty.
func to(name string, port uint16, texts ...string) policy.Command {
	return channel(policy.ChannelForward, &policy.Forward{Name: name, Addresses: addresses(texts...), Port: port})
}

func listener(port uint16, texts ...string) policy.Command {
	return channel(policy.ChannelRemoteForward, &policy.Forward{Addresses: addresses(texts...), Port: port})
}

func socket(word, path string) policy.Command { return channel(word, &policy.Forward{Socket: path}) }

func allowing(entries string) string {
	return "ssh: {channels: [forward], forwards: [" + entries + "]}, verdict: allow"
}

// TestMatchingOfForwards is the table of what rules can ask of forwarded connections.
func TestMatchingOfForwards(t *testing.T) {
	exec := policy.Command{Accesses: []policy.Access{{Effect: policy.Read, Object: "a"}}, SSH: &policy.SSH{Channel: "exec", Argv: [][]string{{"uptime"}}}}
	db, net := `"db.internal:5432"`, `"10.1.0.0/16:443"`
	everywhere := `"*:*", "0.0.0.0/0:*", "[::]:*", "[::/0]:*"`
	for _, c := range []struct {
		rule    string
		rules   []string
		command policy.Command
		want    string
	}{
		{"a name and its port", []string{allowing(db)}, to("db.internal", 5432, "10.2.0.1"), "allow r0"},
		{"another port", []string{allowing(db)}, to("db.internal", 5433, "10.2.0.1"), "deny default"},
		{"another name at the same address", []string{allowing(db)}, to("x.internal", 5432, "10.2.0.1"), "deny default"},
		{"the name's address without the name", []string{allowing(db)}, to("", 5432, "10.2.0.1"), "deny default"},
		{"a name within a name", []string{allowing(db)}, to("db.internal.evil.test", 5432, "10.2.0.1"), "deny default"},
		{"a range of addresses", []string{allowing(net)}, to("", 443, "10.1.255.255"), "allow r0"},
		{"an address behind the range", []string{allowing(net)}, to("", 443, "10.2.0.0"), "deny default"},
		{"a name whose every address is in the range", []string{allowing(net)}, to("a.test", 443, "10.1.0.1", "10.1.0.2"), "allow r0"},
		{"a name with one address that is not", []string{allowing(net)}, to("a.test", 443, "10.1.0.1", "10.2.0.2"), "deny default"},
		{"each address by an entry of its own", []string{allowing(net + `, "[fd00::/8]:443"`)}, to("a.test", 443, "10.1.0.1", "fd00::2"), "allow r0"},
		{"a name without addresses", []string{allowing(db)}, to("db.internal", 5432), "deny default"},
		{"a range of ports, its ends and what lies behind them", []string{allowing(`"*.internal:80-90"`)}, to("a.b.internal", 90, "10.0.0.1"), "allow r0"},
		{"a port behind the range", []string{allowing(`"*.internal:80-90"`)}, to("a.internal", 91, "10.0.0.1"), "deny default"},
		{"a star alone is every name and every address", []string{allowing(`"*:443"`)}, to("", 443, "192.0.2.1"), "allow r0"},
		{"but nothing of the host's own", []string{allowing(everywhere)}, to("", 443, "127.0.0.1"), "deny default"},
		{"nor under a name", []string{allowing(everywhere)}, to("evil.test", 443, "127.0.0.1"), "deny default"},
		{"nor the metadata of a cloud", []string{allowing(everywhere)}, to("", 80, "169.254.169.254"), "deny default"},
		{"nor that of another one", []string{allowing(everywhere)}, to("", 80, "fd00:ec2::254"), "deny default"},
		{"nor what is unspecified", []string{allowing(everywhere)}, to("", 80, "0.0.0.0"), "deny default"},
		{"nor an address that a router turns into one of them", []string{allowing(everywhere)}, to("", 80, "64:ff9b::7f00:1"), "deny default"},
		{"a name does not bring the host's own within reach", []string{allowing(`"*.internal:80"`)}, to("a.internal", 80, "127.0.0.1"), "deny default"},
		{"the host's own, by its address", []string{allowing(`"127.0.0.1:5432"`)}, to("", 5432, "127.0.0.1"), "allow r0"},
		{"and by its own range", []string{allowing(`"127.0.0.0/8:*"`)}, to("", 5432, "127.0.0.2"), "allow r0"},
		{"but not by a wider one", []string{allowing(`"126.0.0.0/7:*"`)}, to("", 5432, "127.0.0.1"), "deny default"},
		{"link-local, by its address", []string{allowing(`"169.254.169.254:80"`)}, to("", 80, "169.254.169.254"), "allow r0"},
		{"a rule for everything", []string{"verdict: allow"}, to("db.internal", 5432, "10.2.0.1"), "deny default"},
		{"a rule that names the effect, and not the channel", []string{"effects: [transfer], verdict: allow"}, to("db.internal", 5432, "10.2.0.1"), "deny default"},
		{"a rule for commands on hosts", []string{"ssh: {operators: some}, verdict: allow"}, to("db.internal", 5432, "10.2.0.1"), "deny default"},
		{"an approve rule for everything admits nothing", []string{"verdict: approve"}, to("", 443, "10.1.0.1"), "deny default"},
		{"and asks for what another one admits", []string{allowing(net), "verdict: approve"}, to("", 443, "10.1.0.1"), "approve r1"},
		{"an approve rule that names it", []string{`ssh: {channels: [forward], forwards: ["10.1.0.0/16:443"]}, verdict: approve`}, to("", 443, "10.1.0.1"), "approve r0"},
		{"an approve rule that names one of two addresses admits nothing", []string{`ssh: {channels: [forward], forwards: ["10.1.0.0/16:443"]}, verdict: approve`}, to("a.test", 443, "10.1.0.1", "10.2.0.1"), "deny default"},
		{"and asks for what another one admits", []string{allowing(`"*:443"`), `ssh: {channels: [forward], forwards: ["10.1.0.0/16:443"]}, verdict: approve`}, to("a.test", 443, "10.1.0.1", "10.2.0.1"), "approve r1"},
		{"deny where any address is listed", []string{allowing(`"*:443"`), `ssh: {channels: [forward], forwards: ["10.1.0.0/16:443"]}, verdict: deny`}, to("a.test", 443, "10.2.0.1", "10.1.0.1"), "deny r1"},
		{"deny by a name", []string{allowing(`"*:443"`), `ssh: {channels: [forward], forwards: ["*.test:*"]}, verdict: deny`}, to("a.test", 443, "10.2.0.1"), "deny r1"},
		{"deny everything", []string{allowing(`"*:443"`), "verdict: deny"}, to("a.test", 443, "10.2.0.1"), "deny r1"},
		{"deny does not reach another port", []string{allowing(`"*:443"`), `ssh: {channels: [forward], forwards: ["*:80"]}, verdict: deny`}, to("a.test", 443, "10.2.0.1"), "allow r0"},
		{"nothing of it holds for commands", []string{allowing(`"*:443"`)}, exec, "deny default"},
		{"sockets", []string{`ssh: {channels: [forward-socket], sockets: ["/run/app/*"]}, verdict: allow`}, socket(policy.ChannelForwardSocket, "/run/app/a.sock"), "allow r0"},
		{"another socket", []string{`ssh: {channels: [forward-socket], sockets: ["/run/app/*"]}, verdict: allow`}, socket(policy.ChannelForwardSocket, "/run/docker.sock"), "deny default"},
		{"a connection is no socket", []string{allowing(`"*:*"`)}, socket(policy.ChannelForwardSocket, "/run/app/a.sock"), "deny default"},
		{"a listener", []string{`ssh: {channels: [remote-forward], binds: ["127.0.0.1:8000-8010"]}, verdict: allow`}, listener(8005, "127.0.0.1"), "allow r0"},
		{"a listener on any free port needs every port", []string{`ssh: {channels: [remote-forward], binds: ["127.0.0.1:8000-8010"]}, verdict: allow`}, listener(0, "127.0.0.1"), "deny default"},
		{"which a star is", []string{`ssh: {channels: [remote-forward], binds: ["127.0.0.1:*"]}, verdict: allow`}, listener(0, "127.0.0.1"), "allow r0"},
		{"a listener on everything the host has", []string{`ssh: {channels: [remote-forward], binds: ["127.0.0.1:*", "0.0.0.0/0:*", "[::/0]:*"]}, verdict: allow`}, listener(8080, "0.0.0.0", "::"), "deny default"},
		{"is written out", []string{`ssh: {channels: [remote-forward], binds: ["0.0.0.0:*", "[::]:*"]}, verdict: allow`}, listener(8080, "0.0.0.0", "::"), "allow r0"},
		{"a listener on any free port may be on a denied one", []string{`ssh: {channels: [remote-forward], binds: ["127.0.0.1:*"]}, verdict: allow`, `ssh: {channels: [remote-forward], binds: ["127.0.0.1:8080"]}, verdict: deny`}, listener(0, "127.0.0.1"), "deny r1"},
		{"a listener on a socket", []string{`ssh: {channels: [remote-forward], sockets: ["/tmp/x.sock"]}, verdict: allow`}, socket(policy.ChannelRemoteForward, "/tmp/x.sock"), "allow r0"},
		{"is not one on an address", []string{`ssh: {channels: [remote-forward], sockets: ["/tmp/x.sock"]}, verdict: allow`}, listener(8080, "127.0.0.1"), "deny default"},
		{"the agent", []string{"ssh: {channels: [agent]}, verdict: allow"}, channel(policy.ChannelAgent, nil), "allow r0"},
		{"the agent by a rule for everything", []string{"verdict: allow"}, channel(policy.ChannelAgent, nil), "deny default"},
		{"the display by a rule for the agent", []string{"ssh: {channels: [agent]}, verdict: allow"}, channel(policy.ChannelX11, nil), "deny default"},
		{"a deny rule for places leaves the agent", []string{"ssh: {channels: [agent]}, verdict: allow", `ssh: {channels: [forward], forwards: ["*:*"]}, verdict: deny`}, channel(policy.ChannelAgent, nil), "allow r0"},
		{"a rule for places and for the agent", []string{`ssh: {channels: [agent, forward-socket], sockets: ["/run/*"]}, verdict: allow`}, channel(policy.ChannelAgent, nil), "allow r0"},
		{"a deny rule for places and for the agent", []string{"ssh: {channels: [agent]}, verdict: allow", `ssh: {channels: [agent, forward], forwards: ["a:1"]}, verdict: deny`}, channel(policy.ChannelAgent, nil), "deny r1"},
		{"a deny rule for some places and for all sockets", []string{`ssh: {channels: [forward-socket], sockets: ["/run/*"]}, verdict: allow`, `ssh: {channels: [forward, forward-socket], forwards: ["a:1"]}, verdict: deny`}, socket(policy.ChannelForwardSocket, "/run/x"), "deny r1"},
		{"a deny rule for listeners on addresses leaves those on sockets", []string{`ssh: {channels: [remote-forward], sockets: ["/tmp/*"]}, verdict: allow`, `ssh: {channels: [remote-forward], binds: ["127.0.0.1:*"]}, verdict: deny`}, socket(policy.ChannelRemoteForward, "/tmp/x"), "allow r0"},
		{"an allow rule for some places admits no socket", []string{`ssh: {channels: [remote-forward, forward], forwards: ["*:*"], binds: ["127.0.0.1:*"]}, verdict: allow`}, socket(policy.ChannelRemoteForward, "/tmp/x"), "deny default"},
		{"a rule for commands and forwards", []string{`ssh: {channels: [exec, forward], forwards: ["a:1"]}, verdict: allow`}, exec, "allow r0"},
	} {
		t.Run(c.rule, func(t *testing.T) {
			p := parse(t, policyOf(c.rules))
			d := p.Decide(person("dev", "developers"), policy.Connection{Name: "web-1", Kind: "ssh"}, c.command)
			if got := d.Verdict.String() + " " + d.Rule; got != c.want {
				t.Errorf("got %s (%s), want %s", got, d.Message, c.want)
			}
		})
	}
}

func TestARefusedForwardSaysWhichRuleWouldAdmitIt(t *testing.T) {
	d := parse(t, policyOf([]string{"verdict: allow"})).Decide(person("dev"), policy.Connection{Name: "web-1", Kind: "ssh"}, to("", 443, "10.1.0.1"))
	if !strings.Contains(d.Message, "ssh: {channels: [forward]}") {
		t.Errorf("it says %q", d.Message)
	}
}

func TestWhereForwardsLeadIsReadStrictly(t *testing.T) {
	for rule, want := range map[string]string{
		allowing(`"db.internal"`):                                    "no port",
		allowing(`"db.internal:0"`):                                  "port",
		allowing(`"db.internal:65536"`):                              "port",
		allowing(`"db.internal:90-80"`):                              "port",
		allowing(`"db.internal:080"`):                                "port",
		allowing(`"db.internal:80-"`):                                "port",
		allowing(`":80"`):                                            "no name",
		allowing(`"DB.internal:80"`):                                 "small letters",
		allowing(`"db.internal.:80"`):                                "dot",
		allowing(`"localhost:80"`):                                   "the host itself",
		allowing(`"local*:80"`):                                      "the host itself",
		allowing(`"::1:80"`):                                         "[ ]",
		allowing(`"[db.internal]:80"`):                               "[ ]",
		allowing(`"[fe80::1%eth0]:80"`):                              "no range of addresses",
		allowing(`"[::ffff:10.0.0.1]:80"`):                           "IPv4 addresses are written",
		allowing(`"10.1.0.1/16:443"`):                                "not the first",
		allowing(`"10.*:443"`):                                       "no address",
		allowing(`"0x7f.1:443"`):                                     "no address",
		allowing(`"2130706433:443"`):                                 "no address",
		allowing(`"10.1:443"`):                                       "no address",
		allowing(`"a b:443"`):                                        "no name",
		"ssh: {channels: [forward]}, verdict: allow":                 "does not say where to",
		"ssh: {channels: [forward]}, verdict: approve":               "does not say where to",
		"ssh: {channels: [forward-socket]}, verdict: allow":          "does not say to which",
		"ssh: {channels: [remote-forward]}, verdict: allow":          "does not say on what",
		`ssh: {channels: [exec], forwards: ["a:1"]}, verdict: allow`: "beside the channel",
		`ssh: {forwards: ["a:1"]}, verdict: deny`:                    "beside the channel",
		`ssh: {channels: [remote-forward], binds: ["a.internal:80"]}, verdict: allow`:        "is an address",
		`ssh: {channels: [remote-forward], binds: ["*:80"]}, verdict: allow`:                 "is an address",
		`ssh: {channels: [forward-socket], sockets: ["run/x"]}, verdict: allow`:              "absolute",
		`ssh: {channels: [forward-socket], sockets: ["/run/../x"]}, verdict: allow`:          "absolute",
		`ssh: {channels: [forward-socket], sockets: ["/run//x"]}, verdict: allow`:            "absolute",
		`ssh: {channels: [forward], sockets: ["/run/x"], forwards: ["a:1"]}, verdict: allow`: "beside the channel",
	} {
		_, err := policy.Parse([]byte(policyOf([]string{rule})), "policy.yaml")
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want it to say %q", rule, err, want)
		}
	}
	for _, rule := range []string{
		allowing(`"db.internal:5432", "*.internal:80-90", "10.1.0.0/16:443", "[::1]:80", "[fd00::/8]:*", "*:*", "x-1.a_b:1"`),
		"ssh: {channels: [forward, agent]}, verdict: deny",
		`ssh: {channels: [remote-forward, x11], binds: ["127.0.0.1:8080", "[::]:*"], sockets: ["/tmp/*"]}, verdict: allow`,
	} {
		if _, err := policy.Parse([]byte(policyOf([]string{rule})), "policy.yaml"); err != nil {
			t.Errorf("%s: %v", rule, err)
		}
	}
}

func TestForwardingEverywhereIsWarnedOf(t *testing.T) {
	warned := func(rule string) bool {
		return slices.ContainsFunc(parse(t, policyOf([]string{rule})).Lint(), func(p policy.Problem) bool { return strings.Contains(p.Message, "wherever the host") })
	}
	if !warned(allowing(`"*:*"`)) || !warned(allowing(`"0.0.0.0/0:1-65535"`)) {
		t.Error("no warning")
	}
	if warned(allowing(`"*:443"`)) || warned(`ssh: {channels: [forward], forwards: ["*:*"]}, verdict: deny`) {
		t.Error("warned of less")
	}
}

// FuzzForwards: whatever a list is, it is read to the same effect as its parts, and never admits what is apart by a name.
func FuzzForwards(f *testing.F) {
	for _, text := range []string{"db.internal:5432", "*:*", "10.1.0.0/16:443", "[::1]:80", "127.0.0.0/8:*", "0.0.0.0/0:*", "[::ffff:1.2.3.4]:1", "*.a:1-2"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if strings.ContainsAny(text, "\"\\") || strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r > '~' }) {
			return
		}
		p, err := policy.Parse([]byte(policyOf([]string{allowing(`"` + text + `"`)})), "policy.yaml")
		if err != nil {
			return
		}
		allowed := func(c policy.Command) bool {
			return p.Decide(person("dev"), policy.Connection{Name: "web-1", Kind: "ssh"}, c).Verdict == policy.Allow
		}
		for _, own := range []string{"127.0.0.1", "169.254.169.254", "0.0.0.0", "::1", "::", "fe80::1"} {
			for _, port := range []uint16{1, 80, 443, 65535} {
				if !allowed(to("", port, own)) {
					continue
				}
				if host := strings.Trim(text[:strings.LastIndexByte(text, ':')], "[]"); strings.ContainsAny(host, "*ghijklmnopqrstuvwxyz_-") {
					t.Fatalf("%q admits %s, which it does not name", text, own)
				}
			}
			if allowed(to("a.internal", 443, "10.0.0.1", own)) {
				t.Fatalf("%q admits %s beside another address", text, own)
			}
		}
	})
}
