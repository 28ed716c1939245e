2f0a8c1e-5d7b-4e63-9a0f-1c2d3e4f5a6b
