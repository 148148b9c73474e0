"""Shards to embeddings: data, models, losses, one loop, recipes, evaluation."""
