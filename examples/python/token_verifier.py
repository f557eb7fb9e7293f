"""Tells a good token from any other: the SDK asks `verify_token` about each that is presented."""

import hashlib
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import urlsplit

import jwt
from mcp.server.auth.provider import AccessToken

from decision_log import record
from issuer_keys import IssuerKeys, KeySource, ReadJson

ALGORITHMS = ["RS256", "RS512", "PS256", "ES256", "ES384", "ES512", "EdDSA"]  # Asymmetric, all of them.
CLOCK_TOLERANCE_SECONDS = 30
MAX_TOKEN_CHARACTERS = 32 * 1024


class TokenKind(KeySource, Protocol):
    issuer: str

    def refusal(self, header: dict[str, Any], claims: dict[str, Any]) -> str | None:
        """Why this is no access token of ours, though it was signed by the issuer; or None."""

    def client(self, claims: dict[str, Any]) -> Any: ...


@dataclass(frozen=True)
class StandardTokens:
    """Access tokens as RFC 9068 wants them."""

    issuer: str

    async def keys_url(self, read: ReadJson) -> str:
        """As its metadata says (RFC 8414, section 3), or OpenID Connect's."""
        parts = urlsplit(self.issuer)
        origin, path = f"{parts.scheme}://{parts.netloc}", parts.path.rstrip("/")
        try:
            document = await read(f"{origin}/.well-known/oauth-authorization-server{path}")
        except Exception:
            document = await read(f"{self.issuer.rstrip('/')}/.well-known/openid-configuration")
        if document["issuer"] != self.issuer:
            raise ValueError("the metadata is that of another issuer")
        return require_https(document["jwks_uri"])

    def refusal(self, header: dict[str, Any], claims: dict[str, Any]) -> str | None:
        """An ID token has another type."""
        kind = str(header.get("typ")).lower().removeprefix("application/")
        return None if kind == "at+jwt" else "not an access token"

    def client(self, claims: dict[str, Any]) -> Any:
        return claims.get("client_id")


@dataclass(frozen=True)
class CasdoorTokens:
    """Tokens as Casdoor makes them: refresh and logout tokens have the same key, issuer, audience and type."""

    issuer: str
    application: str
    client_id: str

    async def keys_url(self, read: ReadJson) -> str:
        """Those of the application alone: the instance's own list has the keys of all."""
        return f"{self.issuer}/.well-known/{self.application}/jwks"

    def refusal(self, header: dict[str, Any], claims: dict[str, Any]) -> str | None:
        if str(header.get("typ", "JWT")).upper() != "JWT":
            return "not an access token"
        kinds = [value for name, value in claims.items() if name.lower() == "tokentype"]
        if not kinds or any(kind != "access-token" for kind in kinds):
            return "not an access token"
        if "events" in claims:
            return "a logout token"
        return None if claims.get("azp") == self.client_id else "of another application"

    def client(self, claims: dict[str, Any]) -> Any:
        return claims.get("azp")


class JwtVerifier:
    """The SDK's `TokenVerifier`. Raises IssuerUnavailable, which must not become a 401: clients would throw a good token away."""

    def __init__(self, kind: TokenKind, resource: str, keys: IssuerKeys) -> None:
        self._kind = kind
        self._resource = resource
        self._keys = keys

    async def verify_token(self, token: str) -> AccessToken | None:
        try:
            claims = await self._verify(token)
        except (jwt.PyJWTError, ValueError, OverflowError, RecursionError) as error:
            # Never the token, nor the words of an exception, which may quote it.
            fingerprint = hashlib.sha256(token.encode()).hexdigest()[:12]
            reason = str(error) if isinstance(error, Refused) else type(error).__name__
            record("denied", status=401, reason=reason, token=fingerprint)
            return None
        return AccessToken(
            token=token,
            client_id=self._kind.client(claims),
            scopes=claims["scope"].split(" ") if isinstance(claims.get("scope"), str) else [],
            expires_at=int(claims["exp"]) + CLOCK_TOLERANCE_SECONDS,  # The SDK has no tolerance of its own.
            subject=claims["sub"],
            resource=self._resource,
            claims=claims,
        )

    async def _verify(self, token: str) -> dict[str, Any]:
        if len(token) > MAX_TOKEN_CHARACTERS:
            raise Refused("too long")
        header = jwt.get_unverified_header(token)
        kid = header.get("kid")
        if not isinstance(kid, str) or "crit" in header or header.get("alg") not in ALGORITHMS:
            raise Refused("header")
        claims = await self._signed_claims(token, kid)
        if not all(isinstance(claims[name], str) and claims[name] for name in ("iss", "sub")):
            raise Refused("issuer or subject")
        if not all(type(claims[name]) in (int, float) for name in ("exp", "iat")):
            raise Refused("times")
        if not isinstance(self._kind.client(claims), str):
            raise Refused("client")
        if "cnf" in claims:
            raise Refused("bound to a key that nobody has asked the sender for")
        if (refusal := self._kind.refusal(header, claims)) is not None:
            raise Refused(refusal)
        return claims

    async def _signed_claims(self, token: str, kid: str) -> dict[str, Any]:
        """A key may have been replaced under its id, so a signature that does not fit is worth one more look."""
        try:
            return self._decode(token, await self._keys.find(kid))
        except jwt.InvalidSignatureError:
            if not await self._keys.fetch_again():
                raise
            return self._decode(token, await self._keys.find(kid))

    def _decode(self, token: str, keys: list[jwt.PyJWK]) -> dict[str, Any]:
        failure: jwt.PyJWTError = Refused("no such key")
        for key in keys:
            try:
                return jwt.decode(
                    token,
                    key,  # Holds its algorithm, which must be that of the header too.
                    algorithms=ALGORITHMS,
                    issuer=self._kind.issuer,
                    audience=self._resource,
                    leeway=CLOCK_TOLERANCE_SECONDS,
                    options={"require": ["exp", "iat", "iss", "sub", "aud"]},
                )
            except jwt.InvalidSignatureError as error:
                failure = error
        raise failure


def require_https(url: str) -> str:
    """Gives the URL back. Http is for this machine only."""
    parts = urlsplit(url)
    if parts.scheme != "https" and (parts.scheme, parts.hostname) not in (("http", "127.0.0.1"), ("http", "localhost")):
        raise ValueError(f"{url} must begin with https://")
    return url


class Refused(jwt.PyJWTError):
    """Why, in words that hold nothing of the token."""
