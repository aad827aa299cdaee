package kube

import (
	"context"
	"encoding/json"

	"github.com/hoop-gateway/hoop/pkg/guard"
)

// stored is what the gateway reads of an object that somebody applies a part of.
type stored struct {
	Metadata struct {
		UID             string `json:"uid"`
		ResourceVersion string `json:"resourceVersion"`
		ManagedFields   []struct {
			Manager     string          `json:"manager"`
			Operation   string          `json:"operation"`
			Subresource string          `json:"subresource"`
			FieldsV1    json.RawMessage `json:"fieldsV1"`
		} `json:"managedFields"`
	} `json:"metadata"`
}

// keepsAccount lets an apply that names no service account pass as what it is, a patch that leaves the account as it is, where the policy
// asks for accounts and the object as it is stored shows that it is: an API server takes away what a field manager applied before and leaves
// out now, and nothing else (https://kubernetes.io/docs/reference/using-api/server-side-apply/). So kubectl moves its own annotation to
// server-side apply, and controllers apply a number of replicas.
//
// What is sent says of which version that was seen (uid and resourceVersion), so that a cluster refuses it where the object is another one
// by then, or is gone: nobody becomes the account's manager in between. An object that can't be read leaves everything as it was.
func (c *cluster) keepsAccount(ctx context.Context, u *meant, now *guard.Standing) {
	o, leaves := u.body.leavesAccount(u.tuple)
	manager, named := u.tuple.Query.Get("fieldManager")
	if !leaves || !named || manager == "" || now == nil || !now.ServiceAccounts {
		return
	}
	var live stored
	path, _ := u.tuple.Target()
	signed, err := c.credentials(ctx)
	if err == nil {
		err = c.own(ctx, signed, "GET", path, nil, &live)
	}
	if err != nil {
		c.log.Warn("an object that is applied to was not read", "object", u.tuple.Object(), "error", err)
		return
	}
	if live.took(manager) || !u.body.pinTo(o, live.Metadata.UID, live.Metadata.ResourceVersion) {
		return
	}
	u.body.Facts.asPatch(u.tuple, u.body.pinned)
	u.facts.Kube = u.kube()
}

// leavesAccount says of an apply patch that it says nothing of the account as which pods run, of a kind of which hoop knows where that stands.
func (b *Body) leavesAccount(t *Tuple) (o object, leaves bool) {
	place, known := t.podAt()
	o, ok := b.Document.(object)
	if b.Type != typeApplyPatch || !ok || !known || place == nil || t.Subresource != "" {
		return nil, false
	}
	inside := o
	for _, key := range place {
		v, there := inside.get(key)
		if !there {
			return o, true
		}
		if inside, ok = v.(object); !ok { // nobody needs to know what null means there
			return nil, false
		}
	}
	named, taken := account(inside)
	return o, !named && !taken
}

// took says that a field manager applied an account before.
func (s *stored) took(manager string) bool {
	for _, m := range s.Metadata.ManagedFields {
		if m.Operation != "Apply" || m.Manager != manager || m.Subresource != "" {
			continue
		}
		if fields, err := readJSON(m.FieldsV1); err != nil || ownsAccount(fields) {
			return true
		}
	}
	return false
}

// ownsAccount says that fields, as managers of fields are told by, have an account among them.
func ownsAccount(fields any) bool {
	o, _ := fields.(object)
	for _, m := range o {
		if key := folded(m.Key); key == "f:serviceaccountname" || key == "f:serviceaccount" || ownsAccount(m.Value) {
			return true
		}
	}
	return false
}

// pinTo makes a body one for a version of its object. It says whether it can be: a body may name another version itself.
func (b *Body) pinTo(o object, uid, version string) bool {
	var metadata object
	if v, there := o.get("metadata"); there {
		var ok bool
		if metadata, ok = v.(object); !ok {
			return false
		}
	}
	if uid == "" || version == "" {
		return false
	}
	for key, value := range map[string]string{"uid": uid, "resourceVersion": version} {
		if v, there := metadata.get(key); there && v != value {
			return false
		}
	}
	b.pinned = o.with("metadata", metadata.with("uid", uid).with("resourceVersion", version))
	return true
}

// with is the object with a value behind a key.
func (o object) with(key string, value any) object {
	out := make(object, 0, len(o)+1)
	for _, m := range o {
		if m.Key != key {
			out = append(out, m)
		}
	}
	return append(out, member{key, value})
}

// asPatch reads the facts of an apply patch anew as of one that leaves as it is what it does not name.
func (f *Facts) asPatch(t *Tuple, o object) {
	*f = Facts{DryRun: f.DryRun}
	f.read(t, o, typeMergePatch)
}
