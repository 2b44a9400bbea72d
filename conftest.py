"""Settings of the whole suite."""

from hypothesis import settings

# The machines are shared: how long one example takes says nothing.
settings.register_profile("shared-machine", deadline=None, max_examples=50)
settings.load_profile("shared-machine")
