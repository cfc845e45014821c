package headless

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/opencontainers/go-digest"
	v1 "github.com/opencontainers/image-spec/specs-go/v1"

	"gantry/engine"
)

// clock is when the tests happen.
var clock = time.Date(2026, 1, 2, 15, 0, 0, 0, time.UTC)

// fakeEngine holds images and containers in memory and notes what is asked.
type fakeEngine struct {
	images     []engine.Image
	containers []engine.Container
	calls      []string
	startErr   error
	createErr  error
	created    func(context.Context) // runs before Create returns
	removeErr  error
	session    fakeSession
	pulls      []engine.Step // reported by Create and Pull
	closed     int
}

func (f *fakeEngine) note(format string, args ...any) {
	f.calls = append(f.calls, fmt.Sprintf(format, args...))
}

func (f *fakeEngine) Close() error { f.closed++; return nil }

func (f *fakeEngine) Root() string { return "/var/lib/gantry" }

func (f *fakeEngine) Images(context.Context) ([]engine.Image, error) { return f.images, nil }

func (f *fakeEngine) Image(_ context.Context, ref string) (engine.Image, error) {
	for _, img := range f.images {
		for _, name := range img.Names {
			if name == ref || name == ref+":latest" {
				return img, nil
			}
		}
		if strings.HasPrefix(img.ID.Encoded(), strings.TrimPrefix(ref, "sha256:")) {
			return img, nil
		}
	}
	return engine.Image{}, fmt.Errorf("No such image: %s: %w", ref, engine.ErrNotFound)
}

func (f *fakeEngine) Pull(ctx context.Context, ref string, o engine.PullOptions, sink engine.Sink) (engine.Image, error) {
	f.note("pull %s %+v", ref, o)
	for _, s := range f.pulls {
		sink.Step(s)
	}
	return f.Image(ctx, ref)
}

func (f *fakeEngine) RemoveImage(ctx context.Context, ref string, force bool) (engine.RemoveResult, error) {
	f.note("rmi %s %v", ref, force)
	img, err := f.Image(ctx, ref)
	if err != nil {
		return engine.RemoveResult{}, err
	}
	return engine.RemoveResult{Untagged: img.Names, Deleted: []string{img.ID.String()}}, err
}

func (f *fakeEngine) Tag(ctx context.Context, src, dst string) error {
	f.note("tag %s %s", src, dst)
	_, err := f.Image(ctx, src)
	return err
}

func (f *fakeEngine) History(ctx context.Context, ref string) ([]engine.HistoryEntry, error) {
	img, err := f.Image(ctx, ref)
	return []engine.HistoryEntry{
		{ID: img.ID.String(), Created: clock.Add(-time.Hour), CreatedBy: `CMD ["bash"]`, Comment: "buildkit.dockerfile.v0", Empty: true},
		{ID: "<missing>", Created: clock.Add(-2 * time.Hour), CreatedBy: "RUN /bin/sh -c apt-get update && apt-get install -y everything # buildkit", Size: 116_543_210},
	}, err
}

func (f *fakeEngine) Containers(context.Context) ([]engine.Container, error) {
	return f.containers, nil
}

func (f *fakeEngine) Container(_ context.Context, ref string) (engine.Container, error) {
	for _, c := range f.containers {
		if c.Name == ref || strings.HasPrefix(c.ID, ref) {
			return c, nil
		}
	}
	return engine.Container{}, fmt.Errorf("No such container: %s: %w", ref, engine.ErrNotFound)
}

func (f *fakeEngine) Prepare(ctx context.Context) (context.Context, func()) { return ctx, func() {} }

func (f *fakeEngine) Create(ctx context.Context, s engine.RunSpec, sink engine.Sink) (engine.Container, error) {
	f.note("create %s", given(s))
	for _, step := range f.pulls {
		sink.Step(step)
	}
	if f.createErr != nil {
		return engine.Container{}, f.createErr
	}
	if f.created != nil {
		f.created(ctx)
	}
	c := engine.Container{}
	c.ID = strings.Repeat("c0ffee", 10) + "abcd"
	c.Name, c.Host.AutoRemove, c.Config.Tty = s.Name, s.AutoRemove, s.Tty
	return c, nil
}

// on does what needs a container that exists.
func (f *fakeEngine) on(ref, format string, args ...any) error {
	f.note(format, args...)
	_, err := f.Container(context.Background(), ref)
	return err
}

func (f *fakeEngine) Start(_ context.Context, ref string) error {
	f.note("start %.12s", ref)
	if f.startErr != nil || strings.HasPrefix(ref, "c0ffee") {
		return f.startErr
	}
	_, err := f.Container(context.Background(), ref)
	return err
}

func (f *fakeEngine) Stop(_ context.Context, ref string, o engine.StopOptions) error {
	timeout := "default"
	if o.Timeout != nil {
		timeout = fmt.Sprint(*o.Timeout)
	}
	return f.on(ref, "stop %s signal=%q timeout=%s", ref, o.Signal, timeout)
}

func (f *fakeEngine) Restart(_ context.Context, ref string, o engine.StopOptions) error {
	return f.on(ref, "restart %s", ref)
}

func (f *fakeEngine) Kill(_ context.Context, ref, signal string) error {
	return f.on(ref, "kill %s %s", ref, signal)
}

func (f *fakeEngine) Pause(_ context.Context, ref string) error { return f.on(ref, "pause %s", ref) }
func (f *fakeEngine) Unpause(_ context.Context, ref string) error {
	return f.on(ref, "unpause %s", ref)
}

func (f *fakeEngine) Rename(_ context.Context, ref, name string) error {
	return f.on(ref, "rename %s %s", ref, name)
}

func (f *fakeEngine) Remove(_ context.Context, ref string, o engine.RemoveOptions) error {
	f.note("remove %.12s %+v", ref, o)
	if f.removeErr != nil || strings.HasPrefix(ref, "c0ffee") {
		return f.removeErr
	}
	_, err := f.Container(context.Background(), ref)
	return err
}

func (f *fakeEngine) Wait(_ context.Context, ref string) (int, error) {
	c, err := f.Container(context.Background(), ref)
	return c.State.ExitCode, err
}

func (f *fakeEngine) StartAttached(_ context.Context, ref string, o engine.AttachOptions) (session, error) {
	f.note("start attached %.12s %+v", ref, o)
	if f.startErr != nil {
		return nil, f.startErr
	}
	return &f.session, nil
}

func (f *fakeEngine) Attach(_ context.Context, ref string, o engine.AttachOptions) (session, error) {
	f.note("attach %.12s %+v", ref, o)
	return &f.session, f.startErr
}

func (f *fakeEngine) Exec(ctx context.Context, ref string, s engine.ExecSpec) (session, error) {
	f.note("exec %s %s", ref, given(s))
	if _, err := f.Container(ctx, ref); err != nil {
		return nil, err
	}
	if f.startErr != nil {
		return nil, f.startErr
	}
	return &f.session, nil
}

func (f *fakeEngine) Logs(ctx context.Context, ref string) (logReader, error) {
	_, err := f.Container(ctx, ref)
	return fakeLog{}, err
}

type fakeLog struct{}

func (fakeLog) Close() error { return nil }

func (fakeLog) Copy(_ context.Context, o engine.LogOpts, stdout, stderr io.Writer) error {
	fmt.Fprintf(stdout, "follow=%v tail=%d timestamps=%v\n", o.Follow, o.Tail, o.Timestamps)
	if !o.Since.IsZero() {
		fmt.Fprintf(stdout, "since=%s\n", o.Since.UTC().Format(time.RFC3339Nano))
	}
	fmt.Fprintln(stderr, "on stderr")
	return nil
}

// fakeSession writes its output, copies input to output if asked to, and ends
// with its result.
type fakeSession struct {
	out, err string
	echo     bool
	block    func(ctx context.Context, s *fakeSession)
	result   engine.Result
	signals  chan string
	resized  chan string
	keys     []byte
}

func (s *fakeSession) Stream(ctx context.Context, st engine.Streams) (engine.Result, error) {
	s.keys = st.DetachKeys
	_, _ = io.WriteString(st.Out, s.out)
	_, _ = io.WriteString(st.Err, s.err)
	if s.echo && st.In != nil {
		_, _ = io.Copy(st.Out, st.In)
	}
	if s.block != nil {
		s.block(ctx, s)
		if ctx.Err() != nil {
			return engine.Result{}, ctx.Err()
		}
	}
	return s.result, nil
}

func (s *fakeSession) Resize(cols, rows uint16) error {
	s.resized <- fmt.Sprintf("%dx%d", cols, rows)
	return nil
}

func (s *fakeSession) Signal(name string) error { s.signals <- name; return nil }
func (s *fakeSession) Close() error             { return nil }

type startError struct{ code int }

func (e startError) Error() string { return `exec: "foo": executable file not found in $PATH` }
func (e startError) ExitCode() int { return e.code }

var errBoom = errors.New("boom")

// given is the JSON of the fields of a struct that are set.
func given(v any) string {
	fields, err := asMap(v)
	if err != nil {
		return err.Error()
	}
	for name, value := range fields {
		switch value {
		case nil, "", false, json.Number("0"):
			delete(fields, name)
		}
	}
	text, _ := compactJSON(fields) // what was decoded encodes
	return text
}

func id(seed string) digest.Digest { return digest.FromString(seed) }

// sample is a store with a bit of everything.
func sample() *fakeEngine {
	debian := engine.Image{ID: id("debian"), Names: []string{"debian:bookworm", "registry.example:5000/team/debian:v1"},
		RepoDigests: []string{"debian@" + id("debian index").String()}, Platform: "linux/amd64", Created: clock.Add(-48 * time.Hour),
		Size: 116_543_210, Target: v1.Descriptor{MediaType: v1.MediaTypeImageIndex, Digest: id("debian index"), Size: 1234},
		Layers: []digest.Digest{id("layer 1")}}
	debian.Config.Architecture, debian.Config.OS = "amd64", "linux"
	debian.Config.Config = v1.ImageConfig{Env: []string{"PATH=/bin"}, Cmd: []string{"bash"}, Labels: map[string]string{"tier": "base"}}
	busybox := engine.Image{ID: id("busybox"), Names: []string{"busybox:latest"}, Created: clock.Add(-72 * time.Hour), Size: 4_300_000}
	dangling := engine.Image{ID: id("dangling"), Created: clock.Add(-96 * time.Hour), Size: 4_300_000}

	web := container("web", 1, engine.Running, clock.Add(-2*time.Hour))
	web.Image, web.ImageID, web.Layers = "debian:bookworm", debian.ID, []digest.Digest{id("layer 1"), id("layer 2")}
	web.Config.Cmd, web.Config.Labels = []string{"sh", "-c", "sleep infinity; exit"}, map[string]string{"app": "shop", "tier": "web"}
	web.Config.ExposedPorts = []string{"443/tcp", "8000/tcp"}
	web.Host.Ports = []engine.PortMapping{{HostPort: 8080, ContainerPort: 80, Proto: "tcp"}}
	web.Host.Mounts = []engine.Mount{{Type: "volume", Source: "data", Destination: "/data"}, {Type: "bind", Source: "/srv", Destination: "/srv", ReadOnly: true}}
	web.State.Pid, web.State.IPAddress, web.State.StartedAt = 4242, "10.88.0.2", clock.Add(-2*time.Minute)
	web.State.Ports = []engine.PortMapping{{HostIP: "127.0.0.1", HostPort: 8080, ContainerPort: 80, Proto: "tcp"},
		{HostIP: "127.0.0.1", HostPort: 8000, ContainerPort: 8000, Proto: "tcp"}, {HostIP: "127.0.0.1", HostPort: 8001, ContainerPort: 8001, Proto: "tcp"}}
	job := container("job", 2, engine.Exited, clock.Add(-3*time.Hour))
	job.Image, job.ImageID = "old:name", id("gone")
	job.Config.Cmd, job.State.ExitCode, job.State.FinishedAt = []string{"true"}, 137, clock.Add(-3*time.Second)
	job.State.OOMKilled = true
	idle := container("idle", 3, engine.Paused, clock.Add(-4*time.Hour))
	idle.Image, idle.ImageID, idle.State.StartedAt = "busybox", busybox.ID, clock.Add(-time.Hour)
	fresh := container("fresh", 4, engine.Created, clock.Add(-5*time.Hour))
	fresh.Image, fresh.ImageID = "busybox", busybox.ID
	fresh.Config.Tty, fresh.Config.OpenStdin = true, true
	return &fakeEngine{images: []engine.Image{debian, busybox, dangling}, containers: []engine.Container{web, job, idle, fresh}}
}

func container(name string, n int, status engine.Status, created time.Time) engine.Container {
	c := engine.Container{}
	c.ID, c.Name, c.Created, c.State.Status = strings.Repeat(fmt.Sprintf("%x", n), 64), name, created, status
	return c
}

func environ(name string) (string, bool) {
	if name == "CALLER" {
		return "yes", true
	}
	return "", false
}
