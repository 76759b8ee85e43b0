"""A receiver: the other side of webhooks and webfilters. It shows what it is sent and answers what a person chooses."""
