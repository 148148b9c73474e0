"""The container of a video: how it is opened, and packets that need not be decoded."""
