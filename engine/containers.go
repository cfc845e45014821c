package engine

import (
	"context"
	"slices"

	"gantry/containers"
	"gantry/containers/logs"
)

// Containers lists all containers, newest first, whatever their state.
func (e *Engine) Containers(ctx context.Context) ([]Container, error) {
	all, err := e.containers.List(ctx)
	slices.SortStableFunc(all, func(a, b Container) int { return b.Created.Compare(a.Created) })
	return all, err
}

// Container finds one by name, ID or unique ID prefix.
func (e *Engine) Container(ctx context.Context, ref string) (Container, error) {
	return e.containers.Get(ctx, ref)
}

// Stop sends the stop signal, then SIGKILL after the timeout. Stopping a
// container that does not run is no error.
func (e *Engine) Stop(ctx context.Context, ref string, o StopOptions) error {
	return e.containers.Stop(ctx, ref, containers.StopOptions(o))
}

// Kill sends a signal, "" meaning SIGKILL, to a running container.
func (e *Engine) Kill(ctx context.Context, ref, signal string) error {
	return e.containers.Kill(ctx, ref, signal)
}

// Pause freezes, Unpause thaws all processes of a container.
func (e *Engine) Pause(ctx context.Context, ref string) error { return e.containers.Pause(ctx, ref) }

// Unpause is the inverse of Pause.
func (e *Engine) Unpause(ctx context.Context, ref string) error {
	return e.containers.Unpause(ctx, ref)
}

// Restart stops and starts a container.
func (e *Engine) Restart(ctx context.Context, ref string, o StopOptions) error {
	if err := e.Stop(ctx, ref, o); err != nil {
		return err
	}
	return e.Start(ctx, ref)
}

// Rename changes a container's name.
func (e *Engine) Rename(ctx context.Context, ref, name string) error {
	return e.containers.Rename(ctx, ref, name)
}

// Remove deletes a container with its writable layer and log.
func (e *Engine) Remove(ctx context.Context, ref string, o RemoveOptions) error {
	return e.containers.Remove(ctx, ref, containers.RemoveOptions(o))
}

// Wait blocks until the container has exited and returns its exit code.
func (e *Engine) Wait(ctx context.Context, ref string) (int, error) {
	return e.containers.Wait(ctx, ref)
}

// Attach joins the main process or an exec session of a running container.
func (e *Engine) Attach(ctx context.Context, ref string, o AttachOptions) (*Session, error) {
	return e.containers.Attach(ctx, ref, o)
}

// Exec starts a process in a running container, with the caller attached.
func (e *Engine) Exec(ctx context.Context, ref string, spec ExecSpec) (*Session, error) {
	return e.containers.Exec(ctx, ref, spec)
}

// Sessions lists what can be attached to.
func (e *Engine) Sessions(ctx context.Context, ref string) ([]SessionInfo, error) {
	return e.containers.Sessions(ctx, ref)
}

// Logs opens a container's log.
func (e *Engine) Logs(ctx context.Context, ref string) (*LogReader, error) {
	c, err := e.containers.Get(ctx, ref)
	if err != nil {
		return nil, err
	}
	return logs.Open(e.containers.LogDir(c.ID))
}
