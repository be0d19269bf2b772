"""How moments are written: one module a language, which Django finds by its name (`FORMAT_MODULE_PATH`)."""
