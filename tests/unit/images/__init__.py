"""Programs of the images that run anywhere: bash, and what is in a socket."""
