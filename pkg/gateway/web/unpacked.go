package web

import (
	"bytes"
	"compress/gzip"
	"io"
	"slices"
	"strings"

	"github.com/hoop-gateway/hoop/pkg/api"
	"github.com/hoop-gateway/hoop/pkg/exchange"
	"github.com/hoop-gateway/hoop/pkg/http1"
)

// gzipped says whether a request's body comes as gzip, to a service that is to do something with what is in it, as git asks for what it
// lacks and programs hand in what they measured. What a PUT or PATCH stores may be kept as it comes, so that it must not be another one, and
// what has a sum or a signature beside it can't be.
func gzipped(q *http1.Request) bool {
	if q.Method != "POST" {
		return false
	}
	codings := q.Fields.Values("Content-Encoding")
	return len(codings) == 1 && (strings.EqualFold(codings[0], "gzip") || strings.EqualFold(codings[0], "x-gzip")) && !slices.ContainsFunc(q.Fields, vouches)
}

// vouches says whether a field of a request holds for a body as it comes, and for no other: its sum, or a signature of it.
func vouches(f http1.Field) bool {
	switch name := strings.ToLower(f.Name); name {
	case "content-length": // which is written anew
		return false
	case "authorization": // of AWS and of drafts of RFC 9421
		return strings.Contains(strings.ToLower(f.Value), "signature")
	default:
		return measures(name) || strings.Contains(name, "signature") || strings.Contains(name, "hmac")
	}
}

// unpacked is what is in a body that comes as gzip. It is judged, shown, recorded and sent in the place of what came: nobody reads the packed
// one any more, in this way or in another.
func unpacked(content []byte, whole bool) ([]byte, *api.Refusal) {
	if !whole {
		return nil, packedTooLong()
	}
	if len(content) == 0 {
		return nil, nil
	}
	r, err := gzip.NewReader(bytes.NewReader(content))
	if err != nil {
		return nil, malformed("The body is not the gzip that it is said to be.")
	}
	plain, err := io.ReadAll(io.LimitReader(r, bodyCap+1))
	switch {
	case len(plain) > bodyCap:
		return nil, packedTooLong()
	case err != nil:
		return nil, malformed("The body is not the gzip that it is said to be.")
	}
	return plain, nil
}

func packedTooLong() *api.Refusal {
	return &api.Refusal{
		Code: exchange.CodeTooLarge, Rule: Kind, Message: "A packed body is unpacked to be judged, and has 1 MiB at most, before and behind that.",
		Remedy: []api.Remedy{{Kind: "rewrite", Text: "Send it without Content-Encoding."}},
	}
}
