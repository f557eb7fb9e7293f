"""The keys of an issuer: fetched when they are needed, kept while they are good, and not asked for more often than that."""

import asyncio
import json
import time
from collections import deque
from typing import Any, Protocol

import httpx2
from jwt import PyJWK, PyJWTError

from decision_log import record

FRESH_SECONDS = 600
"""After this long the keys are fetched again, so that one that was withdrawn ends."""
STALE_SECONDS = 86_400
"""For this long they go on while the issuer cannot be reached."""
UNASKED_FETCHES, COOL_DOWN_SECONDS = 2, 30
"""How many fetches unknown ids and wrong signatures may cause, and in what time."""
PAUSE_SECONDS = 1
"""How long nobody asks again after a failure."""
MAX_BYTES = 256 * 1024
LEAST_RSA_BITS = 2048


class IssuerUnavailable(Exception):
    """The issuer gives no keys, so nothing is known about the token: neither that it is good nor that it is bad."""


class KeySource(Protocol):
    async def keys_url(self, read: "ReadJson") -> str: ...


class ReadJson(Protocol):
    async def __call__(self, url: str) -> dict[str, Any]: ...


class IssuerKeys:
    def __init__(self, http: httpx2.AsyncClient, source: KeySource) -> None:
        self._http = http
        self._source = source
        self._keys: list[PyJWK] = []
        self._fetched_at = self._failed_at = -float("inf")
        self._unasked: deque[float] = deque(maxlen=UNASKED_FETCHES)
        self._one_at_a_time = asyncio.Lock()

    async def find(self, kid: str) -> list[PyJWK]:
        """Every key of that id: ids need not be unique.

        Raises IssuerUnavailable.
        """
        if _age(self._fetched_at) > FRESH_SECONDS:
            await self._fetch()
        if _age(self._fetched_at) > STALE_SECONDS:
            raise IssuerUnavailable
        found = self._of(kid)
        if not found and await self.fetch_again():
            found = self._of(kid)
        if not found and self._failed_at > self._fetched_at:
            raise IssuerUnavailable
        return found

    async def fetch_again(self) -> bool:
        """For a token that no key fits: tells whether there may be other keys now."""
        now = time.monotonic()
        if len(self._unasked) == UNASKED_FETCHES and now - self._unasked[0] < COOL_DOWN_SECONDS:
            return self._one_at_a_time.locked() and await self._fetch()
        self._unasked.append(now)
        return await self._fetch()

    def _of(self, kid: str) -> list[PyJWK]:
        return [key for key in self._keys if key.key_id == kid]

    async def _fetch(self) -> bool:
        asked_at = time.monotonic()
        async with self._one_at_a_time:
            if self._fetched_at >= asked_at:
                return True  # Somebody else has fetched them meanwhile.
            if self._failed_at > self._fetched_at and _age(self._failed_at) < PAUSE_SECONDS:
                return False
            try:
                document = await self._read(await self._source.keys_url(self._read))
                self._keys = _usable(document["keys"])
                self._fetched_at = time.monotonic()
                return True
            except Exception as error:  # An issuer may answer anything; whatever it was, there are no keys in it.
                record("failed", reason=f"keys: {type(error).__name__}")
                self._failed_at = time.monotonic()
                return False

    async def _read(self, url: str) -> dict[str, Any]:
        async with self._http.stream("GET", url) as response:
            response.raise_for_status()
            content = b""
            async for chunk in response.aiter_bytes():
                content += chunk
                if len(content) > MAX_BYTES:
                    raise ValueError("the answer is too long")
            return json.loads(content)


def _usable(members: list[dict[str, Any]]) -> list[PyJWK]:
    """Public keys for signatures. One that this library does not know must not keep out the others."""
    keys = []
    for member in members:
        if member.get("kty") not in ("RSA", "EC", "OKP") or member.get("use", "sig") != "sig":
            continue
        try:
            key = PyJWK(member)
        except PyJWTError:
            continue
        if member["kty"] != "RSA" or key.key.key_size >= LEAST_RSA_BITS:
            keys.append(key)
    return keys


def _age(moment: float) -> float:
    return time.monotonic() - moment
