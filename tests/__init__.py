"""What spans the parts: parity, and the guards of the tests themselves."""
