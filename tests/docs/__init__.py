"""What the documents say, held to what stands in the tree."""
