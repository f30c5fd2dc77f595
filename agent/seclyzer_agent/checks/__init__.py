"""The checks, a module each; `registry` finds them."""
