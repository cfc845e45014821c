package supervisor

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"sync"
	"time"

	"gantry/containers"
	"gantry/containers/attach"
	"gantry/containers/launch"
	"gantry/containers/logs"
	"gantry/containers/runtime"
	"gantry/containers/spec"
	"gantry/internal/cleanup"
	network "gantry/net"
	"gantry/store"
	"gantry/store/overlay"

	"golang.org/x/sys/unix"
)

// supervisor is one container's life, from open to serve's return.
type supervisor struct {
	start   launch.Start
	store   *store.Store
	manager *containers.Manager
	net     *network.Manager
	record  containers.Record
	rootfs  string

	container *runtime.Container
	process   *runtime.Process
	streams   *stdio
	log       *logs.Writer
	hub       *attach.Hub
	server    *attach.Server
	listener  *net.UnixListener
	accepting sync.WaitGroup
	endpoint  *network.Endpoint // nil: no network of ours
	forwards  io.Closer         // nil: nothing published
	told      bool              // the caller knows that starting failed

	execMu sync.RWMutex // read: a program is being started; write: no more are
	ended  bool
	execs  sync.WaitGroup // running exec sessions
}

// open reads what there is to know.
func open(start launch.Start) (*supervisor, error) {
	st, err := store.Open(context.Background(), store.Options{Root: start.Root, Run: start.Run})
	if err != nil {
		return nil, err
	}
	s := &supervisor{start: start, store: st, rootfs: filepath.Join(start.RunDir, "rootfs")}
	s.net = network.New(st, network.Config(start.Network))
	// What Erase would tear down is torn down here, before and after it.
	s.manager = containers.New(st, containers.Hooks{})
	s.record, err = s.read()
	return s, err
}

func (s *supervisor) read() (containers.Record, error) {
	c, err := s.manager.Get(context.Background(), s.start.ID)
	if err == nil && c.Damaged != "" {
		err = fmt.Errorf("record of %s: %s: %w", s.start.ID, c.Damaged, store.ErrDamaged)
	}
	return c.Record, err
}

func (s *supervisor) dir(elem ...string) string {
	return s.store.Path(append([]string{store.Containers, s.start.ID}, elem...)...)
}

// begin starts the container and tells the caller so. On error everything is
// undone, except what the caller knows from the intent record.
func (s *supervisor) begin(caller *net.UnixConn) error {
	var undo cleanup.Stack
	defer undo.Run()
	built, err := s.prepare(&undo)
	if err != nil {
		return err
	}
	if err := s.launch(built, &undo); err != nil {
		return err
	}
	if err := s.connect(built.Hostname, &undo); err != nil {
		return err
	}
	if err := s.listen(&undo); err != nil {
		return err
	}
	if err := s.noteRunning(); err != nil {
		return err
	}
	release := func() {}
	if s.start.Attach {
		release = s.hub.AdoptFirst(caller)
	}
	s.streams.pump(s.take(logs.Stdout, s.hub.Output), s.take(logs.Stderr, s.hub.Errput))
	if err := s.container.Release(); err != nil {
		// Before what the caller is attached to speaks on the same connection.
		s.told = true
		answer(caller, refusal(err))
		release()
		return err
	}
	undo.Keep()
	answer(caller, launch.Ready{Ready: true, Pid: s.process.Pid(), Tty: s.record.Config.Tty})
	if release(); !s.start.Attach {
		_ = caller.Close()
	}
	return nil
}

// prepare mounts the root file system, in a mount namespace that ends with us,
// and makes the container without starting anything.
func (s *supervisor) prepare(undo *cleanup.Stack) (runtime.Spec, error) {
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_SLAVE, ""); err != nil {
		return runtime.Spec{}, fmt.Errorf("leaving the mount namespace: %w", err)
	}
	if err := os.Mkdir(s.rootfs, 0o700); err != nil && !errors.Is(err, os.ErrExist) {
		return runtime.Spec{}, err
	}
	o := overlay.Options{Volatile: s.record.Host.AutoRemove}
	if err := overlay.Mount(s.rootfs, s.start.Lowers, s.dir("upper"), s.dir("work"), o); err != nil {
		return runtime.Spec{}, err
	}
	undo.Add(func() { s.unmount() })
	in := spec.In{
		Rootfs: s.rootfs, StateRoot: filepath.Join(s.start.RunDir, "libcontainer"),
		ContainerDir: s.dir(), Volumes: s.start.Volumes,
	}
	if s.bridged() {
		in.ResolvConf = network.HostResolvers().File()
	}
	built, err := spec.Build(s.record, in)
	if err != nil {
		return runtime.Spec{}, err
	}
	if s.container, err = runtime.Create(built); err != nil {
		return runtime.Spec{}, err
	}
	undo.Add(func() { s.warn(s.container.Destroy()) })
	intent := s.store.Intent(s.start.ID)
	undo.Add(func() { s.warn(intent.Remove()) })
	return built, intent.Write(store.IntentRecord{
		Owner: "container", CgroupPaths: s.container.CgroupPaths(), LibcontainerRoot: in.StateRoot,
	})
}

func (s *supervisor) bridged() bool {
	mode := s.record.Host.NetworkMode
	return mode != "none" && mode != "host"
}

// launch starts the container's init, which waits for Release, and opens what
// its output goes to.
func (s *supervisor) launch(built runtime.Spec, undo *cleanup.Stack) (err error) {
	c := s.record.Config
	if s.log, err = logs.OpenWriter(s.dir("log"), s.record.Host.LogMaxBytes); err != nil {
		return err
	}
	undo.Add(func() { s.warn(s.log.Close()) })
	if s.streams, err = newStdio(c.Tty, c.OpenStdin, s.start.Cols, s.start.Rows); err != nil {
		return err
	}
	if s.process, err = s.container.Start(s.streams.child); err != nil {
		s.streams.closeChild()
		s.streams.close()
		return err
	}
	s.streams.started(s.process, c.OpenStdin)
	s.hub = s.streams.hub("", built.Args, c.StdinOnce, s.signal)
	s.server = attach.NewServer(s, s.hub)
	undo.Add(func() {
		s.warn(s.container.Destroy())
		s.streams.drain()
		s.hub.Finish(255)
		s.streams.close()
	})
	return nil
}

// connect gives the container its network.
func (s *supervisor) connect(hostname string, undo *cleanup.Stack) error {
	if !s.bridged() {
		return nil
	}
	in := network.Spec{ContainerID: s.start.ID, Pid: s.process.Pid(), Network: s.record.Host.NetworkMode, Hostname: hostname}
	for _, p := range s.record.Host.Ports {
		in.Ports = append(in.Ports, network.Port(p))
	}
	ep, err := s.net.Attach(context.Background(), in)
	if err != nil {
		return err
	}
	s.endpoint = &ep
	undo.Add(s.disconnect)
	if s.forwards, err = s.net.Forward(context.Background(), ep); err != nil {
		ep.Release()
		return err
	}
	return spec.WriteHosts(s.dir(), hostname, ep.IPAddress.Addr())
}

// disconnect gives back the address and the ports.
func (s *supervisor) disconnect() {
	if s.forwards != nil {
		s.warn(s.forwards.Close())
	}
	if s.endpoint != nil {
		s.warn(s.net.Detach(context.Background(), s.start.ID))
	}
}

// listen opens the socket.
func (s *supervisor) listen(undo *cleanup.Stack) (err error) {
	if s.listener, err = attach.Listen(filepath.Join(s.start.RunDir, launch.SocketFile)); err != nil {
		return err
	}
	s.accepting.Go(func() { s.server.Serve(s.listener) })
	undo.Add(s.hangUp)
	return nil
}

// hangUp closes the socket. It may be repeated.
func (s *supervisor) hangUp() {
	_ = s.listener.Close()
	s.accepting.Wait()
	_ = os.Remove(filepath.Join(s.start.RunDir, launch.SocketFile)) // Erase may have
}

// noteRunning writes the record before the program runs, so that nobody who
// was told of it finds it not running.
func (s *supervisor) noteRunning() error {
	r, err := s.manager.Update(context.Background(), s.start.ID, func(r *containers.Record) error {
		r.State = containers.State{
			Status: containers.Running, Pid: s.process.Pid(), BootID: s.store.BootID(),
			StartedAt: time.Now().UTC(), FinishedAt: r.State.FinishedAt,
		}
		if ep := s.endpoint; ep != nil {
			r.State.IPAddress, r.State.MacAddress = ep.IPAddress.String(), ep.MAC
			r.State.Gateway = ep.Gateway.String()
			for _, p := range ep.Ports {
				r.State.Ports = append(r.State.Ports, containers.PortMapping(p))
			}
		}
		return nil
	})
	s.record = r
	return err
}

// take returns what a stream's output goes through: first the log, which loses
// nothing, then whoever looks.
func (s *supervisor) take(stream logs.Stream, show func([]byte)) func([]byte) {
	failed := false
	return func(p []byte) {
		if err := s.log.Append(stream, p); err != nil && !failed {
			failed = true // once: the disk that is full may be ours too
			s.warn(err)
		}
		show(p)
	}
}

func (s *supervisor) unmount() { s.warn(overlay.Unmount(s.rootfs)) }

// warn writes an error that stops nothing to the supervisor's own log.
func (s *supervisor) warn(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, time.Now().UTC().Format(time.RFC3339), err)
	}
}
