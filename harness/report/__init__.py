"""One page for one finished run: what it was, what came out, and what every system said of every frame."""
