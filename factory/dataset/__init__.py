"""Published datasets: what one is, whether it is whole, how two differ, and the way to a hub."""
