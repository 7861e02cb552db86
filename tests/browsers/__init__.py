"""Real browsers: the host that runs fonts in them, the element, and the pages that `fontgen page` writes."""
