// Command hoop is the client: it signs in, asks for grants, and opens connections on this machine.
package main

import (
	"os"
	"slices"

	"github.com/hoop-gateway/hoop/cmd/hoop/cli"
	"github.com/hoop-gateway/hoop/pkg/slack"
)

// version is set by the linker.
var version = "dev"

func main() {
	if slices.Contains(os.Args, "connect") { // it carries what others send each other, for hours
		slack.Widen()
	}
	cli.Main(version)
}
