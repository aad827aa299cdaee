// Command hoop is the client: it signs in, asks for grants, and opens connections on this machine.
package main

import "github.com/hoop-gateway/hoop/cmd/hoop/cli"

// version is set by the linker.
var version = "dev"

func main() { cli.Main(version) }
