"""Names static files by their content, so that a browser may keep them for good."""

from whitenoise.storage import CompressedManifestStaticFilesStorage


class Static(CompressedManifestStaticFilesStorage):  # type: ignore[misc]  # published without types
    """WhiteNoise's storage, which follows the imports of ES modules and works before anything was collected."""

    support_js_module_import_aggregation = True

    def stored_name(self, name: str) -> str:
        """The name with the content's hash; the plain name while `collectstatic` has not run."""
        return str(super().stored_name(name)) if self.hashed_files else name
