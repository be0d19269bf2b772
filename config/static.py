"""Names static files by their content, so that a browser may keep them for good, and keeps those of two releases."""

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any, Final

import structlog
from django.contrib.staticfiles.storage import StaticFilesStorage
from whitenoise.storage import CompressedManifestStaticFilesStorage

log = structlog.get_logger("todoke.static")

RELEASES: Final = 2
"""Of so many the files are kept: pages of the one before are open in browsers while a deployment rolls, and after."""
_RELEASES_FILE: Final = "releases.json"
# Comments on lines of their own, and types: a third of what our files weigh, for those who read them here.
_COMMENT = re.compile(
    r"^[ \t]*(?:/\*(?:(?!\*/).)*\*/|//[^\n]*)[ \t]*\n|/\*\* @type [^\n]*?\*/ ?", re.MULTILINE | re.DOTALL
)


class Plain(StaticFilesStorage):
    """Names files plainly, for work on the service itself."""

    def __init__(self, *args: Any, **named: Any) -> None:
        super().__init__(*args, **named)
        self.url = cache(super().url)  # type: ignore[method-assign]  # twenty on a page


class Static(CompressedManifestStaticFilesStorage):  # type: ignore[misc]  # published without types
    """WhiteNoise's storage, which follows the imports of ES modules and works before anything was collected."""

    support_js_module_import_aggregation = True

    def __init__(self, *args: Any, **named: Any) -> None:
        super().__init__(*args, **named)
        self.url = cache(super().url)  # what the manifest says stays the same as long as the process

    def post_process(self, paths: dict[str, Any], dry_run: bool = False, **options: Any) -> Iterator[Any]:  # noqa: FBT001, FBT002
        """Take the comments out of our own scripts and styles, then name and compress what was collected."""
        if not dry_run:
            for name in paths:
                collected = Path(self.path(name))
                ours = name.startswith(("chat/", "compliance/")) and name.endswith((".js", ".css"))
                if ours and not collected.is_symlink():  # a link leads to the source
                    collected.write_text(_COMMENT.sub("", collected.read_text("utf-8")), "utf-8")
                    paths[name] = (self, name)  # no longer the file that it was collected from
        yield from super().post_process(paths, dry_run, **options)

    def stored_name(self, name: str) -> str:
        """The name with the content's hash; the plain name where the manifest has none, as before `collectstatic`."""
        known = self.hashed_files.get(self.hash_key(self.clean_name(name.partition("?")[0].partition("#")[0])))
        return str(super().stored_name(name)) if known is not None else name

    def load_manifest(self) -> tuple[dict[str, str], str]:
        """What `collectstatic` wrote; nothing where that cannot be read: pages then name files plainly."""
        try:
            paths, digest = super().load_manifest()
        except (ValueError, OSError, AttributeError) as error:
            log.error("static.manifest_unreadable", error=type(error).__name__)  # noqa: TRY400 -- no fault of the code
            return {}, ""
        return paths, digest

    def save_manifest(self) -> None:
        """Write the manifest, and remove the files of releases that nobody is served any more."""
        before = self._releases()
        super().save_manifest()
        now = {"hash": self.manifest_hash, "at": datetime.now(UTC).isoformat(), "files": self.hashed_files}
        # Collected once more, or again after a roll back, a release is the newest one, and still one.
        releases = [now, *(release for release in before if release["hash"] != self.manifest_hash)]
        kept = {name for release in releases[:RELEASES] for name in release["files"].values()}
        for release in releases[RELEASES:]:
            for name in set(release["files"].values()) - kept:
                for suffix in ("", ".gz", ".br"):
                    self.delete(name + suffix)
        path = Path(self.path(_RELEASES_FILE))
        draft = path.with_suffix(".draft")
        draft.write_text(json.dumps(releases[:RELEASES]), "utf-8")
        draft.replace(path)

    def _releases(self) -> list[dict[str, Any]]:
        """The releases collected before, newest first: hash of the manifest, when, and the names by plain name."""
        try:
            found: list[dict[str, Any]] = json.loads(Path(self.path(_RELEASES_FILE)).read_text("utf-8"))
        except FileNotFoundError:
            paths, digest = self.load_manifest()  # of a version that kept no list
            return [{"hash": digest, "at": "", "files": paths}] if paths else []
        return found
