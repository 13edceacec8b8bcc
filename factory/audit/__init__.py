"""A run counted again from its parts, not from what its manifests say: `retort ledger`."""
