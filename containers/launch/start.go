package launch

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"

	"golang.org/x/sys/unix"
)

// Start is what a supervisor is told, beside the container's record.
type Start struct {
	Root   string   `json:"root"` // of the store
	Run    string   `json:"run"`
	ID     string   `json:"id"`
	RunDir string   `json:"runDir"`
	Lowers []string `json:"lowers"` // layers of the root file system, top first
	// Volumes are the sources of the record's volume mounts, by volume name.
	Volumes map[string]string `json:"volumes,omitempty"`
	Network Network           `json:"network"`
	Cols    uint16            `json:"cols,omitempty"` // first size of the terminal; 0: 80×24
	Rows    uint16            `json:"rows,omitempty"`
	Attach  bool              `json:"attach,omitempty"`
	Stdin   bool              `json:"stdin,omitempty"`
}

// Network is the engine's network configuration.
type Network struct {
	Bridge        string `json:"bridge,omitempty"`
	Subnet        string `json:"subnet,omitempty"`
	DefaultBindIP string `json:"defaultBindIP,omitempty"`
}

// tell sends a start as one line. Along with its first byte go the supervisor
// lock and the file for last words.
func tell(conn *net.UnixConn, s Start, lock, words *os.File) error {
	line, err := json.Marshal(s)
	if err != nil {
		return err
	}
	line = append(line, '\n')
	n, _, err := conn.WriteMsgUnix(line, unix.UnixRights(int(lock.Fd()), int(words.Fd())), nil)
	if err == nil && n < len(line) {
		_, err = conn.Write(line[n:])
	}
	return err
}

// Caller is a supervisor's connection to whoever started it.
func Caller() (*net.UnixConn, error) {
	f := os.NewFile(ReadyFD, "caller")
	defer f.Close()
	conn, err := net.FileConn(f)
	if err != nil {
		return nil, fmt.Errorf("reaching the caller: %w", err)
	}
	return conn.(*net.UnixConn), nil
}

// Receive waits to be told what to supervise. This process holds the lock then,
// until it ends, and its standard error is the file for last words. The error
// is io.EOF when the caller has no use for this supervisor, or died.
func Receive(caller *net.UnixConn) (Start, error) {
	buf, rights := make([]byte, 16<<10), make([]byte, unix.CmsgSpace(2*4))
	n, oob, _, _, err := caller.ReadMsgUnix(buf, rights)
	if err == nil && n == 0 {
		err = io.EOF
	}
	if err != nil {
		return Start{}, err
	}
	if err := accept(rights[:oob]); err != nil {
		return Start{}, fmt.Errorf("taking the lock over: %w", err)
	}
	line := buf[:n]
	for !bytes.HasSuffix(line, []byte("\n")) {
		if n, err = caller.Read(buf[:cap(buf)]); err != nil {
			return Start{}, err
		}
		line = append(line, buf[:n]...)
	}
	var s Start
	if err := json.Unmarshal(line, &s); err != nil {
		return Start{}, fmt.Errorf("what to supervise: %w", err)
	}
	return s, nil
}

// accept keeps the lock, which nothing closes any more, and turns standard
// error over.
func accept(rights []byte) error {
	messages, err := unix.ParseSocketControlMessage(rights)
	if err != nil || len(messages) != 1 {
		return errors.Join(err, errors.New("no lock came"))
	}
	fds, err := unix.ParseUnixRights(&messages[0])
	if err != nil || len(fds) != 2 {
		return errors.Join(err, errors.New("no lock came"))
	}
	defer unix.Close(fds[1])
	return unix.Dup3(fds[1], unix.Stderr, 0)
}
