"""One page that shows a dataset: its health, its clips, its compounds, and what was dropped."""
