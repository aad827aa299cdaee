package record

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"runtime/debug"
	"sync/atomic"

	"golang.org/x/sys/unix"
)

// The sizes of a mapped part of a file: small at first, since most recordings are.
const (
	firstWindow = 64 << 10
	laterWindow = 512 << 10
)

// mappedFile writes small frames into memory that is the file's own, so that they are in the kernel without a system call.
// The part that is mapped has its place on the disk already: a full disk is an error when the next part is asked for.
type mappedFile struct {
	diskFile
	at     int64  // where the window begins
	window []byte // nil: none
	size   int    // of the next window; 0: no more
	fence  atomic.Uint32
}

func onDisk(f *os.File) file { return &mappedFile{diskFile: diskFile{f}, size: firstWindow} }

// WriteAt writes whole frames, or what stands before the first.
func (f *mappedFile) WriteAt(p []byte, off int64) (int, error) {
	if off < int64(len(fileHeader)) || !f.holds(p, off) && !f.move(p, off) {
		return f.File.WriteAt(p, off)
	}
	return f.publish(f.window[off-f.at:], p)
}

func (f *mappedFile) holds(p []byte, off int64) bool {
	return off >= f.at && off+int64(len(p)) <= f.at+int64(len(f.window))
}

// move maps the part of the file that begins at off. Where that can't be done, it is not tried again.
func (f *mappedFile) move(p []byte, off int64) bool {
	if len(p) > f.size/2 {
		return false
	}
	f.unmap()
	at, fd := off&^int64(os.Getpagesize()-1), int(f.Fd())
	err := unix.Fallocate(fd, 0, at, int64(f.size))
	for errors.Is(err, unix.EINTR) {
		err = unix.Fallocate(fd, 0, at, int64(f.size))
	}
	if err == nil {
		f.window, err = unix.Mmap(fd, at, f.size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	}
	f.at, f.size = at, laterWindow
	if err != nil {
		f.window, f.size = nil, 0
	}
	return err == nil && f.holds(p, off)
}

// publish copies frames, each with its first eight bytes last: a length of 0 is where the recording ends, so that a process
// that is killed here leaves whole frames. A fault of the disk below is an error.
func (f *mappedFile) publish(to, p []byte) (n int, err error) {
	defer func() {
		if fault := recover(); fault != nil {
			n, err = 0, fmt.Errorf("write into the mapped file: %v", fault)
		}
	}()
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	for n < len(p) {
		frame := p[n:]
		frame = frame[:headerSize+int(binary.LittleEndian.Uint32(frame))+hashSize]
		copy(to[n+8:], frame[8:])
		f.fence.Add(1) // all of it is there before it shows
		binary.LittleEndian.PutUint64(to[n:], binary.LittleEndian.Uint64(frame))
		n += len(frame)
	}
	return n, nil
}

// Truncate cuts the file, and ends mapping for good.
func (f *mappedFile) Truncate(size int64) error {
	f.unmap()
	f.size = 0
	return f.File.Truncate(size)
}

func (f *mappedFile) Close() error {
	f.unmap()
	return f.File.Close()
}

func (f *mappedFile) unmap() {
	if f.window != nil {
		_ = unix.Munmap(f.window) // fails for a wrong address alone
		f.window = nil
	}
}
