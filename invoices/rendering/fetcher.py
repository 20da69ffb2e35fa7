"""A document is closed: while it is rendered nothing is read from disk or network."""

import logging
from collections.abc import Mapping
from typing import NoReturn

from weasyprint.urls import URLFetcher, URLFetcherResponse

logger = logging.getLogger(__name__)


class FetchRefused(ValueError):
    """Something in a document asked for an address."""


class DenyingFetcher(URLFetcher):  # type: ignore[misc]  # WeasyPrint has no types
    """Hands out the pictures that it was given under a name, and refuses every other address.

    A refusal is fatal for the document: what reaches for an address is not what was meant to be
    printed. Templates escape all text, so none is expected, and ``refused`` counts them.
    """

    def __init__(self) -> None:
        super().__init__(allowed_protocols=(), allow_redirects=False, fail_on_errors=True)
        self._pictures: dict[str, bytes] = {}
        self.refused = 0

    def allow(self, url: str, picture: bytes) -> None:
        """Answer with ``picture``, which is in memory already, when a template names ``url``."""
        self._pictures[url] = picture

    def fetch(self, url: str, headers: Mapping[str, str] | None = None) -> URLFetcherResponse:
        if url not in self._pictures:
            self._refuse(url)
        return URLFetcherResponse(url, self._pictures[url])

    def open(self, url: object, data: object = None, timeout: object = None) -> NoReturn:
        self._refuse(str(url))

    def _refuse(self, url: str) -> NoReturn:
        self.refused += 1
        # The address may hold personal data or a secret: its scheme and length say enough.
        scheme = url.partition(":")[0][:20]
        logger.error("rendering asked for a %s address of %d characters", scheme, len(url))
        raise FetchRefused("a document may not load anything")
