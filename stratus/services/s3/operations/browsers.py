"""What only browsers do, and what is no operation of the API: OPTIONS requests, CORS headers on answers, form uploads."""

from urllib.parse import unquote

from stratus.services.s3 import cors
from stratus.services.s3.base import S3Base
from stratus.services.s3.errors import refused
from stratus.wire.message import HeaderList, Request, Response


class Browsers(S3Base):
    async def http(self, request: Request) -> Response | None:
        """Answers an OPTIONS request, which nobody signs and no policy is asked about; raises AwsError where CORS forbids.

        Form uploads (POST Object) are refused by name.
        """
        if request.method == "POST" and (request.headers.get("content-type") or "").startswith("multipart/form-data"):
            raise refused("uploads by HTML form (POST Object); use a presigned PUT")
        if request.method != "OPTIONS":
            return None
        fields = request.headers
        headers = cors.preflight(
            self._rules(request),
            fields.get("origin"),
            fields.get("access-control-request-method"),
            fields.get("access-control-request-headers"),
        )
        return Response(200, headers)

    def answer_headers(self, request: Request) -> HeaderList:
        return cors.response_headers(self._rules(request), request.headers.get("origin"), request.method)

    def _rules(self, request: Request) -> cors.Rules | None:
        """Those of the bucket in the path; the door has put it there for virtual-hosted requests too."""
        bucket = self.directory.find(unquote(request.path.removeprefix("/").partition("/")[0]))
        return bucket.settings.get("Cors") if bucket else None
