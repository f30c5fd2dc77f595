"""The page of the agent and of a fleet, in a real Chromium: `apt-get install chromium`, and axe by requirements.txt."""
