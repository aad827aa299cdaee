// Package identity turns the tokens of OpenID Connect providers into identities.
//
// A token is believed when a key that the configured issuer publishes signed it, for us,
// now. Nothing in the token itself says where to find keys, and nothing in it says what
// kind of identity it is: that is configuration.
package identity
