"""Snakemake's http storage plugin for an archive of published files: one request a file, with retries.

The plugin asks for the headers of every file at each start, gives up at the first failure, and saves the text of a
failure as if it were the file. Here a file that is there locally is never asked for; a temporary failure is tried
again; a file that the archive does not have leaves a note in its place, so that the job can name it.
"""

import contextlib
import logging

import requests
from snakemake_interface_common.exceptions import WorkflowError
from snakemake_interface_common.logging import get_logger
from snakemake_interface_storage_plugins.common import Operation
from snakemake_interface_storage_plugins.io import Mtime
from snakemake_storage_plugin_http import StorageObject as HttpObject
from snakemake_storage_plugin_http import StorageProvider as HttpProvider
from snakemake_storage_plugin_http import StorageProviderSettings as StorageProviderSettings
from tenacity import before_sleep_log, retry, retry_if_exception_type, stop_after_attempt, wait_exponential
from urllib3.exceptions import HTTPError

from gravispec.data.bosz import MISSING
from gravispec.data.files import atomic

ATTEMPTS = 6  # with waits of 1, 2, 4, 8 and 16 s
TIMEOUT = (10, 60)  # s, to connect and between two packets


class TemporaryFailure(requests.RequestException):
    """The server asks to come again later."""


PASSING = (TemporaryFailure, requests.ConnectionError, requests.Timeout, HTTPError)


class StorageProvider(HttpProvider):
    def __post_init__(self):
        self.gave_up = False

    def rate_limiter(self, query, operation):
        """Only what reaches the server counts."""
        return super().rate_limiter(query, operation) if operation is Operation.RETRIEVE else contextlib.nullcontext()


class StorageObject(HttpObject):
    async def inventory(self, cache):
        name = self.local_path()
        cache.exists_in_storage[name], cache.mtime[name], cache.size[name] = True, Mtime(storage=self.mtime()), 0

    def exists(self):
        return True

    def mtime(self):
        return 0.0

    def size(self):
        return 0

    def retrieve_object(self):
        """Save the bytes as the archive has them, whole or not at all; `MISSING` where the answer is 404."""
        if self.provider.gave_up:
            raise WorkflowError("not asked for: the archive failed on another file")
        try:
            self._fetch()
        except PASSING as error:
            self.provider.gave_up = True
            raise WorkflowError(f"{ATTEMPTS} attempts failed, try again later ({error})") from None

    @retry(
        retry=retry_if_exception_type(PASSING),
        wait=wait_exponential(max=60),
        stop=stop_after_attempt(ATTEMPTS),
        before_sleep=before_sleep_log(get_logger(), logging.WARNING),
        reraise=True,
    )
    def _fetch(self):
        settings = self.provider.settings
        # no compression on the way: the checksum is of the published file
        request = {"headers": {"Accept-Encoding": "identity"}, "stream": True, "timeout": TIMEOUT}
        answer = requests.get(self.query, auth=settings.auth, allow_redirects=settings.allow_redirects, **request)
        with answer, atomic(self.local_path()) as part, open(part, "wb") as file:
            if answer.status_code == 404:
                file.write(MISSING)
            elif answer.status_code == 429 or answer.status_code >= 500:
                raise TemporaryFailure(f"{answer.status_code} {answer.reason}")
            elif answer.status_code != 200:
                raise WorkflowError(f"{self.query}: {answer.status_code} {answer.reason}")
            else:
                for block in answer.raw.stream(1 << 20, decode_content=False):
                    file.write(block)
