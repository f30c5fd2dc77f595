"""A person at work, made up: what they type, how they move the mouse, which applications they look at.

Three endless streams of events in the order of time, each from a seed of its own. Same seed, same events.
"""
