package sshhost

import (
	"context"
	"net"
	"net/netip"
	"strconv"
	"strings"

	"github.com/hoop-gateway/hoop/pkg/gateway"
	"github.com/hoop-gateway/hoop/pkg/policy"
)

// written reads what is no command in the form in which reviewers and recordings have it, so that `hoop can` and the tests
// of a policy can ask for it: "(forward db.internal:5432)", "(forward db.internal:5432 at 10.1.2.3)", "(agent)". In a session
// the same text is a command line.
func written(ctx context.Context, text string) (w wanted, ok bool) {
	inside, ends := strings.CutSuffix(text, ")")
	inside, begins := strings.CutPrefix(inside, "(")
	if !begins || !ends {
		return w, false
	}
	word, place, _ := strings.Cut(inside, " ")
	w.channel, w.asked = word, place
	switch {
	case (word == policy.ChannelAgent || word == policy.ChannelX11) && place == "":
		return w, true
	case place == "":
		return w, false
	case word == policy.ChannelForwardSocket, word == policy.ChannelRemoteForward && place[0] == '/':
		w.to.Socket, w.problem = place, canonicalSocket(place)
		return w, true
	case word != policy.ChannelForward && word != policy.ChannelRemoteForward:
		return w, false
	}
	place, known, given := strings.Cut(place, " at ")
	host, number, err := net.SplitHostPort(place)
	port, perr := strconv.ParseUint(number, 10, 32)
	if err != nil || perr != nil {
		w.problem = "it is not HOST:PORT"
		return w, true
	}
	w.asked = place
	names := Names(listed{})
	if given {
		names = listed(strings.Split(known, ", "))
	}
	if word == policy.ChannelForward {
		if w.to, w.problem = destination(ctx, names, host, uint32(port)); w.to.Name != "" && !given {
			w.problem = "names are looked up in sessions alone; write (forward NAME:PORT at ADDRESS)"
		}
	} else {
		w.to, w.problem = binding(host, uint32(port))
	}
	return w, true
}

// listed are the addresses that a text gives a name: `hoop can` looks up none, which whoever answers for it would see.
type listed []string

// LookupNetIP answers them, whatever the name.
func (l listed) LookupNetIP(context.Context, string, string) (all []netip.Addr, err error) {
	for _, text := range l {
		a, err := netip.ParseAddr(text)
		if err != nil {
			return nil, err
		}
		all = append(all, a)
	}
	return all, nil
}

// judgement is what was written, for who asks about it.
func (w wanted) judgement() gateway.Judgement {
	j := gateway.Judgement{Facts: w.command().Facts, Rewritten: w.String()}
	if w.problem != "" {
		r := noForward("This can't be judged: " + w.problem + ".")
		j.Problem = &r
	}
	return j
}
