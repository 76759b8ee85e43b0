"""The synchronous flow: filter → calls → answers → changes or a halt."""
