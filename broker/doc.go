// Package broker says who may open which connection and for how long: sign-in, grants,
// approvals, locks, the index of sessions, and the HTTP API for all of it.
//
// It holds no target's credential and forwards no command. A gateway in the same process
// calls the methods of Broker; clients come by Handler.
package broker
