"""The figures of docs/sessions.md: sessions of ten minutes, spotted and scored."""
