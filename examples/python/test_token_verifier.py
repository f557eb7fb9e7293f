import json
import time
import unittest
from typing import Any
from unittest.mock import patch

import httpx2
import jwt
from cryptography.hazmat.primitives.asymmetric import ec

from issuer_keys import IssuerKeys, IssuerUnavailable
from token_verifier import CasdoorTokens, JwtVerifier, StandardTokens

ISSUER, RESOURCE = "https://issuer.example", "https://mcp.example/mcp"
STANDARD = StandardTokens(ISSUER)
CASDOOR = CasdoorTokens(ISSUER, "files", "client")


class Issuer:
    """Answers as an issuer would, and counts how often its keys are asked for."""

    def __init__(self) -> None:
        self.published = {"first": ec.generate_private_key(ec.SECP256R1())}
        self.is_away = False
        self.key_requests = 0

    def answer(self, request: httpx2.Request) -> httpx2.Response:
        if self.is_away:
            return httpx2.Response(500)
        if request.url.path == "/.well-known/oauth-authorization-server":
            return httpx2.Response(200, json={"issuer": ISSUER, "jwks_uri": f"{ISSUER}/keys"})
        self.key_requests += 1
        keys = [
            {**json.loads(jwt.algorithms.ECAlgorithm.to_jwk(key.public_key())), "kid": kid, "alg": "ES256"}
            for kid, key in self.published.items()
        ]
        return httpx2.Response(200, json={"keys": [{"kty": "oct", "k": "AAAA", "kid": "first"}, *keys]})

    def sign(self, claims: dict[str, Any] | None = None, header: dict[str, Any] | None = None, kid: str = "first") -> str:
        now = int(time.time())
        usual = {"iss": ISSUER, "aud": RESOURCE, "sub": "alice", "client_id": "client", "iat": now, "exp": now + 60}
        members = {**usual, "azp": "client", "tokenType": "access-token", "scope": "files:read", **(claims or {})}
        payload = {name: value for name, value in members.items() if value is not None}
        head = {"typ": "at+jwt", "kid": kid, **(header or {})}
        return jwt.encode(payload, self.published[kid], "ES256", head)


class JwtVerifierTest(unittest.IsolatedAsyncioTestCase):
    def setUp(self) -> None:
        self.issuer = Issuer()
        self.http = httpx2.AsyncClient(transport=httpx2.MockTransport(self.issuer.answer))
        records = patch("token_verifier.record")
        self.record = records.start()
        self.addCleanup(records.stop)
        failures = patch("issuer_keys.record")
        failures.start()
        self.addCleanup(failures.stop)

    def verifier(self, kind: StandardTokens | CasdoorTokens = STANDARD) -> JwtVerifier:
        return JwtVerifier(kind, RESOURCE, IssuerKeys(self.http, kind))

    async def test_a_good_token_of_each_kind(self) -> None:
        for kind, header in ((STANDARD, {}), (CASDOOR, {"typ": "JWT"})):
            token = await self.verifier(kind).verify_token(self.issuer.sign(header=header))
            assert token is not None
            self.assertEqual((token.subject, token.client_id, token.scopes), ("alice", "client", ["files:read"]))

    async def test_what_differs_in_one_claim_is_refused_and_recorded_without_the_token(self) -> None:
        verifier = self.verifier()
        rows: list[dict[str, Any]] = [
            {"aud": "https://mcp.example"},
            {"iss": f"{ISSUER}/"},
            {"exp": None},
            {"exp": int(time.time()) - 31},
            {"exp": "9999999999"},
            {"nbf": int(time.time()) + 60},
            {"sub": ""},
            {"client_id": None},
        ]
        for claims in rows:
            with self.subTest(claims):
                token = self.issuer.sign(claims)
                self.assertIsNone(await verifier.verify_token(token))
                self.assertNotIn(token[-20:], str(self.record.call_args))
        self.assertEqual(self.record.call_count, len(rows))

    async def test_headers_that_ask_for_something_else_are_refused(self) -> None:
        verifier = self.verifier()
        for header in ({"typ": "JWT"}, {"typ": None}, {"crit": ["exp"]}, {"kid": "../keys"}):
            with self.subTest(header):
                self.assertIsNone(await verifier.verify_token(self.issuer.sign(header=header)))
        deep = "{" + '"a":{' * 5000
        for garbage in ("", "a.b.c", "é.é.é", jwt.utils.base64url_encode(deep.encode()).decode() + ".e30.e30"):
            self.assertIsNone(await verifier.verify_token(garbage))

    async def test_casdoor_tokens_of_other_kinds_are_refused(self) -> None:
        verifier = self.verifier(CASDOOR)
        rows: list[dict[str, Any]] = [
            {"tokenType": "refresh-token"},
            {"TokenType": "refresh-token"},
            {"tokenType": None},
            {"events": {}},
            {"azp": "other"},
            {"aud": ["client"]},
        ]
        for claims in rows:
            with self.subTest(claims):
                self.assertIsNone(await verifier.verify_token(self.issuer.sign(claims, {"typ": "JWT"})))

    async def test_keys_are_fetched_once_and_again_for_what_they_do_not_explain_but_not_for_ever(self) -> None:
        verifier = self.verifier()
        for _ in range(3):
            self.assertIsNotNone(await verifier.verify_token(self.issuer.sign()))
        self.assertEqual(self.issuer.key_requests, 1)
        self.issuer.published["second"] = ec.generate_private_key(ec.SECP256R1())
        self.assertIsNotNone(await verifier.verify_token(self.issuer.sign(kid="second")))
        self.issuer.published["second"] = ec.generate_private_key(ec.SECP256R1())
        self.assertIsNotNone(await verifier.verify_token(self.issuer.sign(kid="second")))
        self.assertEqual(self.issuer.key_requests, 3)
        stranger = self.issuer.sign(header={"kid": "unknown"})
        for _ in range(20):
            self.assertIsNone(await verifier.verify_token(stranger))
        self.assertEqual(self.issuer.key_requests, 3)

    async def test_an_issuer_that_answers_something_else_says_nothing_about_tokens(self) -> None:
        token = self.issuer.sign()
        for answer in ("", "[]", "null", '{"keys":null}', '{"keys":[1]}', "[" * 100_000, '{"issuer":"x","keys":[]}'):
            with self.subTest(answer[:20]):
                http = httpx2.AsyncClient(transport=httpx2.MockTransport(lambda _: httpx2.Response(200, text=answer)))
                for kind in (STANDARD, CASDOOR):
                    keys = IssuerKeys(http, kind)
                    if answer.endswith("[]}") and kind is CASDOOR:
                        continue  # It has no keys, and says so.
                    with self.assertRaises(IssuerUnavailable):
                        await JwtVerifier(kind, RESOURCE, keys).verify_token(token)

    async def test_an_issuer_that_is_away_says_nothing_about_tokens(self) -> None:
        verifier = self.verifier()
        self.issuer.is_away = True
        with self.assertRaises(IssuerUnavailable):
            await verifier.verify_token(self.issuer.sign())
        self.issuer.is_away = False
        with patch("issuer_keys.PAUSE_SECONDS", 0):
            self.assertIsNotNone(await verifier.verify_token(self.issuer.sign()))
        self.issuer.is_away = True
        self.assertIsNotNone(await verifier.verify_token(self.issuer.sign()))
        with self.assertRaises(IssuerUnavailable):
            await verifier.verify_token(self.issuer.sign(header={"kid": "unknown"}))


if __name__ == "__main__":
    unittest.main()
