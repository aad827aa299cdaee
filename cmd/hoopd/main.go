// Program hoopd is the server: broker and gateway.
package main

import (
	"os"
	"slices"

	"github.com/hoop-gateway/hoop/pkg/slack"
)

func main() {
	if len(os.Args) > 1 && slices.Contains([]string{"serve", "dev"}, os.Args[1]) {
		slack.Widen()
	}
	os.Exit(run(os.Args[1:]))
}
