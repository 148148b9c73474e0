"""A dataset's introduction to other tools: README.md, croissant.json and energon's .nv-meta.

The layers, each using those before it: statements (by the user), facts (of the dataset), one module
for each tool (hub, croissant, energon), and write.
"""
