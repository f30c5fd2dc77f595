"""The rules that hold over the whole tree: which tests are found, what stands once, who may import whom."""
