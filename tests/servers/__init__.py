"""The mini LMS behind the web servers of real sites, which load it once and fork."""
