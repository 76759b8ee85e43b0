"""The mini LMS behind a real web server with two processes, while a webfilter's endpoint hangs."""
