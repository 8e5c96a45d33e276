"""Where Celery and Kombu do not do what a newsroom needs: parts of them that are replaced."""
