"""A specimen of the whole main job: a cast to sign in as, a partner, a tour. Only `make demo` serves it."""
