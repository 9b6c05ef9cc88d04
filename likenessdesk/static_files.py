"""Static files under names that hold their digest, so that a browser may keep them for ever."""

from django.contrib.staticfiles.storage import ManifestStaticFilesStorage
from whitenoise.storage import CompressedManifestStaticFilesStorage

# Addresses are rewritten in style sheets only. A script's one address would be that of its
# source map, which vendored scripts name and do not bring: Django refuses to go on without it.
REWRITTEN = tuple(
    (glob, patterns) for glob, patterns in ManifestStaticFilesStorage.patterns if glob == "*.css"
)


class HashedFiles(ManifestStaticFilesStorage):
    """Storage for `make run` on one's own machine: hashed names, no compression."""

    patterns = REWRITTEN


class CompressedFiles(CompressedManifestStaticFilesStorage):
    """Storage for production: hashed names and compressed files, which takes most of a minute."""

    patterns = REWRITTEN
