package pki

import "time"

// Look lets the next handshake look at the files, however soon it comes.
func Look(f *Files) { f.looked = time.Time{} }
