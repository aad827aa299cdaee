// Package grant issues and verifies the short-lived certificates by which a client
// shows a gateway that it holds a grant.
//
// A certificate is a handle, not an authority: it names a grant and binds a key to it.
// Who may do what is in the broker's record of that grant and nowhere else.
package grant
