package mask

// Held is how many bytes a stream keeps.
func (s *Stream) Held() int { return len(s.buf) }
