"""What `doctor` looks at by itself: entries as the agent's checks make them, each with how it is known."""
