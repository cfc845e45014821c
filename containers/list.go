package containers

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"gantry/internal/termsafe"
	"gantry/store"
	"gantry/store/record"
)

// List returns all containers, newest first, with their states brought up to
// date. A container whose record is damaged is listed as such.
func (m *Manager) List(ctx context.Context) ([]Container, error) {
	entries, err := m.records.List(ctx)
	if err != nil {
		return nil, err
	}
	all := make([]Container, 0, len(entries))
	for _, e := range entries {
		if c, there := m.current(ctx, e); there {
			all = append(all, c)
		}
	}
	slices.SortStableFunc(all, func(a, b Container) int { return b.Created.Compare(a.Created) })
	return all, nil
}

// Get finds one container by name, ID or unique ID prefix.
func (m *Manager) Get(ctx context.Context, ref string) (Container, error) {
	id, err := m.resolve(ref)
	if err != nil {
		return Container{}, err
	}
	r, err := m.read(id)
	c, there := m.current(ctx, record.Entry[Record]{ID: id, Value: r, Err: err})
	if !there {
		return Container{}, notFound(ref)
	}
	return c, nil
}

// current compares a record with what is. It is false for a container that is
// gone.
func (m *Manager) current(ctx context.Context, e record.Entry[Record]) (Container, bool) {
	switch {
	case errors.Is(e.Err, store.ErrNotFound):
		return Container{}, false
	case e.Err != nil:
		return m.damaged(e.ID, e.Err.Error()), true
	case e.Value.ID != e.ID:
		return m.damaged(e.ID, fmt.Sprintf("the record is that of %q", short(e.Value.ID))), true
	}
	c := Container{Record: e.Value}
	if !claimsToRun(c.Record) {
		return c, true
	}
	if held, err := m.supervised(e.ID); held || err != nil {
		return c, true
	}
	return m.overtaken(ctx, c)
}

// overtaken is for a record that says running while no supervisor lives. Either
// the container ended since the record was read, or its supervisor was lost.
func (m *Manager) overtaken(ctx context.Context, c Container) (Container, bool) {
	// What cannot be recorded now, say on a full disk, is shown all the same.
	_ = m.settle(ctx, c.ID)
	r, err := m.read(c.ID)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return Container{}, false
	case err != nil:
		return m.damaged(c.ID, err.Error()), true
	}
	if held, err := m.supervised(c.ID); err == nil && !held && claimsToRun(r) {
		m.markLost(&r)
	}
	return Container{Record: r}, true
}

func (m *Manager) damaged(id, why string) Container {
	c := Container{Record: Record{ID: id, State: State{Status: Dead}}, Damaged: why}
	if names := m.claims(id); len(names) > 0 {
		c.Name = names[0]
	}
	return c
}

// claimsToRun reports whether a record says that its container runs, which only
// the supervisor lock can confirm.
func claimsToRun(r Record) bool {
	return r.State.Status == Running || r.State.Status == Paused
}

// resolve finds the ID for a whole ID, a name, or a unique prefix of an ID, in
// this order.
func (m *Manager) resolve(ref string) (string, error) {
	ref = strings.TrimPrefix(ref, "/")
	if store.CheckID(ref) != nil {
		return "", notFound(ref)
	}
	if len(ref) == 64 {
		if _, err := os.Lstat(m.Dir(ref)); err == nil {
			return ref, nil
		}
	}
	if id, err := os.Readlink(m.claimPath(ref)); err == nil && store.CheckID(id) == nil && m.hasName(id, ref) {
		return id, nil
	}
	ids, err := m.records.IDs()
	if err != nil {
		return "", err
	}
	ids = slices.DeleteFunc(ids, func(id string) bool { return !strings.HasPrefix(id, ref) })
	switch len(ids) {
	case 0:
		return "", notFound(ref)
	case 1:
		return ids[0], nil
	}
	return "", m.ambiguous(ref, ids)
}

// maxCandidates bounds the list in an error.
const maxCandidates = 5

func (m *Manager) ambiguous(ref string, ids []string) error {
	var candidates []string
	for i, id := range ids {
		if i == maxCandidates {
			candidates = append(candidates, "…")
			break
		}
		candidate := short(id)
		if r, err := m.read(id); err == nil {
			candidate += " (" + termsafe.Line(r.Name) + ")"
		}
		candidates = append(candidates, candidate)
	}
	return sayf(store.ErrInvalid, "container ID prefix %s is ambiguous: %s", ref, strings.Join(candidates, ", "))
}
