"""What runs on real services share: a MariaDB and a Redis of their own, processes to be killed, endpoints that count."""
