// Package dev is everything that `hoopd dev` adds to a server: a development identity provider, sample accounts,
// configuration and policy, and a self check. It binds to loopback alone.
package dev
