// SPDX-License-Identifier: MIT

//go:build peers

// Package peers pins the programs that make a mesh: go.mod and go.sum say which
// versions, tests/peers/build builds them.
package peers

import (
	_ "github.com/juanfont/headscale/cmd/headscale"
	_ "tailscale.com/cmd/derper"
	_ "tailscale.com/cmd/tailscale"
	_ "tailscale.com/cmd/tailscaled"
)
