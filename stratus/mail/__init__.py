"""Mail that leaves the cloud: into a Maildir, or to a real SMTP server."""
