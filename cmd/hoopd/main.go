// Program hoopd is the server: broker and gateway.
package main

import "os"

func main() { os.Exit(run(os.Args[1:])) }
