"""What clients must know before they log in (RFC 9728)."""

from dataclasses import dataclass
from urllib.parse import urlsplit

from starlette.middleware.cors import CORSMiddleware
from starlette.responses import JSONResponse
from starlette.routing import Route

WELL_KNOWN = "/.well-known/oauth-protected-resource"


@dataclass(frozen=True)
class ResourceMetadata:
    resource: str
    """The address that clients use, byte for byte: they compare it."""
    issuer: str
    scopes: list[str]

    def __post_init__(self) -> None:
        if urlsplit(self.resource).path.strip("/") == "":
            raise ValueError(f"{self.resource} needs a path, as /mcp: clients disagree about a slash after a bare origin.")

    @property
    def path(self) -> str:
        return urlsplit(self.resource).path

    @property
    def url(self) -> str:
        parts = urlsplit(self.resource)
        return f"{parts.scheme}://{parts.netloc}{WELL_KNOWN}{parts.path}"

    def routes(self) -> list[Route]:
        """At the place that belongs to the path, and at the root, where some clients look."""
        response = JSONResponse(
            {
                "resource": self.resource,
                "authorization_servers": [self.issuer],
                "scopes_supported": self.scopes,
                "bearer_methods_supported": ["header"],
            },
            headers={"Cache-Control": "public, max-age=300"},
        )
        readable_everywhere = CORSMiddleware(
            response, allow_origins=["*"], allow_methods=["GET"], allow_headers=["MCP-Protocol-Version"]
        )
        return [Route(place, readable_everywhere) for place in (WELL_KNOWN + self.path, WELL_KNOWN)]
