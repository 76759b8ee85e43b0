"""What runs on real services: a MariaDB and a Redis of their own, processes to be killed, endpoints that count."""
