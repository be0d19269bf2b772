"""Names static files by their content, so that a browser may keep them for good."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from whitenoise.storage import CompressedManifestStaticFilesStorage

# Comments on lines of their own: a third of what our modules weigh, for those who read them here.
_COMMENT = re.compile(r"^[ \t]*(?:/\*(?:(?!\*/).)*\*/|//[^\n]*)[ \t]*\n", re.MULTILINE | re.DOTALL)


class Static(CompressedManifestStaticFilesStorage):  # type: ignore[misc]  # published without types
    """WhiteNoise's storage, which follows the imports of ES modules and works before anything was collected."""

    support_js_module_import_aggregation = True

    def post_process(self, paths: dict[str, Any], dry_run: bool = False, **options: Any) -> Iterator[Any]:  # noqa: FBT001, FBT002
        """Take the comments out of our own modules, then name and compress what was collected."""
        if not dry_run:
            for name in paths:
                collected = Path(self.path(name))
                ours = name.startswith(("chat/", "compliance/")) and name.endswith(".js")
                if ours and not collected.is_symlink():  # a link leads to the source
                    collected.write_text(_COMMENT.sub("", collected.read_text("utf-8")), "utf-8")
                    paths[name] = (self, name)  # no longer the file that it was collected from
        yield from super().post_process(paths, dry_run, **options)

    def stored_name(self, name: str) -> str:
        """The name with the content's hash; the plain name while `collectstatic` has not run."""
        return str(super().stored_name(name)) if self.hashed_files else name
