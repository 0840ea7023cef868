"""HTTP/1.1 as bytes: what is sent, what must come back, and whether the connection stays.

Each case is a row: a name, the section of RFC 9112 (`M …`) or RFC 9110 (`S …`) that rules it, and steps. A text is sent as it
stands, one write each; a set is one answer that has to come, with any of these statuses; `HALF` ends the client's sending.
The last word says what becomes of the connection. Paths are those of convcheck; on `echo` they all become `/`.
"""

from dataclasses import dataclass

# What becomes of the connection after the last answer.
STAYS = "stays"  # A further request on it is answered.
CLOSES = "closes"  # The answer says so, and the server sends no more.
EITHER = "either"  # As the answer says.
HALF = object()


class ToHead(frozenset):
    """The allowed statuses of an answer to HEAD, which has no body."""


@dataclass(frozen=True)
class Case:
    name: str
    section: str
    steps: tuple
    then: str
    # Needs the routes and their rules, which echo does not have.
    routes: bool = False


H = "Host: a\r\n"
GET = "GET /healthz HTTP/1.1\r\n"
POST = "POST /convolve HTTP/1.1\r\n"
OLD = "GET /healthz HTTP/1.0\r\n"
BODY = '{"image":[[1,2]],"filter":[[3]]}'
LENGTH = f"Content-Length: {len(BODY)}\r\n"
CHUNKED = "Transfer-Encoding: chunked\r\n"
EXPECT = "Expect: 100-continue\r\n"
CLOSE = "Connection: close\r\n"
WHOLE = GET + H + "\r\n"
POSTED = POST + H + LENGTH + "\r\n" + BODY
# The body as one chunk.
CHUNK = f"{len(BODY):x}\r\n{BODY}\r\n"
LAST = "0\r\n\r\n"
OK, BAD = {200}, {400}


def case(name, section, *steps, then, routes=False):
    return Case(name, section, steps, then, routes)


def ok(name, section, *steps):
    """One good request, in one write or several, and the connection stays."""
    return case(name, section, *steps, OK, then=STAYS)


def bad(name, section, *steps, status=BAD):
    """One bad request, and the connection closes."""
    return case(name, section, *steps, status, then=CLOSES)


def field(line):
    """A GET with one more line in its head."""
    return GET + H + line + "\r\n\r\n"


def posted(*lines):
    """A POST with these lines in its head, and the body behind it."""
    return POST + H + "".join(line + "\r\n" for line in lines) + "\r\n" + BODY


def chunked(coded, *lines):
    """A POST whose body is `coded`."""
    return POST + H + CHUNKED + "".join(line + "\r\n" for line in lines) + "\r\n" + coded


REQUEST_LINE = [
    ok("a GET", "M 3", WHOLE),
    ok("an empty line before the request line", "M 2.2", "\r\n" + WHOLE),
    ok("an empty line before it, in another packet", "M 2.2", "\r\n", WHOLE),
    case("an empty line behind a body", "M 2.2", POSTED + "\r\n" + WHOLE, OK, OK, then=STAYS),
    bad("two empty lines before the request line", "M 2.2", "\r\n\r\n" + WHOLE),
    bad("a bare LF before the request line", "M 2.2", "\n" + WHOLE),
    bad("a bare CR before the request line", "M 2.2", "\r" + WHOLE),
    bad("a space before the method", "M 3", " " + WHOLE),
    bad("two spaces behind the method", "M 3", "GET  /healthz HTTP/1.1\r\n" + H + "\r\n"),
    bad("two spaces behind the target", "M 3", "GET /healthz  HTTP/1.1\r\n" + H + "\r\n"),
    bad("a space behind the version", "M 3", "GET /healthz HTTP/1.1 \r\n" + H + "\r\n"),
    bad("tabs for spaces", "M 3", "GET\t/healthz\tHTTP/1.1\r\n" + H + "\r\n"),
    bad("a tab behind the target", "M 3", "GET /healthz\t HTTP/1.1\r\n" + H + "\r\n"),
    bad("a vertical tab for a space", "M 3", "GET\v/healthz HTTP/1.1\r\n" + H + "\r\n"),
    bad("a form feed for a space", "M 3", "GET /healthz\fHTTP/1.1\r\n" + H + "\r\n"),
    bad("a request line that ends in LF", "M 2.2", "GET /healthz HTTP/1.1\n" + H + "\r\n"),
    bad("a CR within the request line", "M 2.2", "GET /heal\rthz HTTP/1.1\r\n" + H + "\r\n"),
    bad("a doubled CR", "M 2.2", "GET /healthz HTTP/1.1\r\r\n" + H + "\r\n"),
    bad("a method alone", "M 3", "GET\r\n\r\n"),
    bad("no version: HTTP/0.9", "M 3", "GET /healthz\r\n\r\n"),
    bad("no target", "M 3", "GET HTTP/1.1\r\n" + H + "\r\n"),
    bad("an empty target", "M 3", "GET  HTTP/1.1\r\n" + H + "\r\n"),
    bad("no method", "M 3", "/healthz HTTP/1.1\r\n" + H + "\r\n"),
    bad("not HTTP at all: a TLS hello", "M 3", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"),
    bad("not HTTP at all: text", "M 3", "hello there\r\n\r\n"),
    bad("a header field first", "M 3", H + GET + "\r\n"),
]

METHOD = [
    bad("a byte in the method that is no token's", "M 3.1", "G@T /healthz HTTP/1.1\r\n" + H + "\r\n"),
    bad("a colon in the method", "M 3.1", "GE:T /healthz HTTP/1.1\r\n" + H + "\r\n"),
    bad("parentheses in the method", "M 3.1", "G() /healthz HTTP/1.1\r\n" + H + "\r\n"),
    bad("NUL in the method", "M 3.1", "G\0T /healthz HTTP/1.1\r\n" + H + "\r\n"),
    bad("a byte above 127 in the method", "M 3.1", "GÉT /healthz HTTP/1.1\r\n" + H + "\r\n"),
    bad("an unknown method", "S 9.1", "BREW /healthz HTTP/1.1\r\n" + H + "\r\n", status={501}),
    bad("a method of WebDAV", "S 9.1", "PROPFIND /healthz HTTP/1.1\r\n" + H + "\r\n", status={501}),
    bad("a method in lower case", "S 9.1", "get /healthz HTTP/1.1\r\n" + H + "\r\n", status={501}),
    bad("a method in mixed case", "S 9.1", "Get /healthz HTTP/1.1\r\n" + H + "\r\n", status={501}),
    bad("a method that starts with a known one", "S 9.1", "GETS /healthz HTTP/1.1\r\n" + H + "\r\n", status={501}),
    bad("a method of 300 bytes", "S 9.1", "X" * 300 + " /healthz HTTP/1.1\r\n" + H + "\r\n", status={501}),
    bad("an endless method", "S 9.1", "X" * 9000, status={400, 414, 431, 501}),
    case("HEAD has no body", "S 9.3.2", "HEAD /healthz HTTP/1.1\r\n" + H + "\r\n", ToHead(OK), then=STAYS),
    case(
        "HEAD for what is not there", "S 9.3.2",
        "HEAD /nothing HTTP/1.1\r\n" + H + "\r\n", ToHead({404}), then=STAYS, routes=True,
    ),
    bad("HEAD and an error", "S 9.3.2", "HEAD /healthz HTTP/1.1\r\n\r\n", status=ToHead(BAD)),
    case("a method the path has not", "S 15.5.6", "PUT /healthz HTTP/1.1\r\n" + H + "\r\n", {405}, then=STAYS, routes=True),
    case("DELETE", "S 15.5.6", "DELETE /convolve HTTP/1.1\r\n" + H + "\r\n", {405}, then=STAYS, routes=True),
    case("PATCH", "S 15.5.6", "PATCH /convolve HTTP/1.1\r\n" + H + "\r\n", {405}, then=STAYS, routes=True),
    case("QUERY", "S 15.5.6", "QUERY /convolve HTTP/1.1\r\n" + H + "\r\n", {405}, then=STAYS, routes=True),
    case("TRACE", "S 9.3.8", "TRACE /healthz HTTP/1.1\r\n" + H + "\r\n", {405}, then=STAYS, routes=True),
    case("GET where only POST is", "S 15.5.6", "GET /convolve HTTP/1.1\r\n" + H + "\r\n", {405}, then=STAYS, routes=True),
    case("CONNECT", "S 9.3.6", "CONNECT a.example:80 HTTP/1.1\r\n" + H + "\r\n", {405}, then=STAYS),
    bad("CONNECT without a port", "M 3.2.3", "CONNECT a.example HTTP/1.1\r\n" + H + "\r\n"),
    bad("CONNECT to a path", "M 3.2.3", "CONNECT /healthz HTTP/1.1\r\n" + H + "\r\n"),
    case("OPTIONS of a path", "S 9.3.7", "OPTIONS /healthz HTTP/1.1\r\n" + H + "\r\n", {200, 204}, then=STAYS),
]

VERSION = [
    bad("HTTP/2.0", "S 15.6.6", "GET /healthz HTTP/2.0\r\n" + H + "\r\n", status={505}),
    bad("the preface of HTTP/2", "S 15.6.6", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", status={505}),
    bad("HTTP/3.0", "S 15.6.6", "GET /healthz HTTP/3.0\r\n" + H + "\r\n", status={505}),
    bad("HTTP/0.9, named", "S 15.6.6", "GET /healthz HTTP/0.9\r\n" + H + "\r\n", status={400, 505}),
    ok("a higher minor version", "S 2.5", "GET /healthz HTTP/1.2\r\n" + H + "\r\n"),
    bad("the name in lower case", "M 2.3", "GET /healthz http/1.1\r\n" + H + "\r\n"),
    bad("the name in mixed case", "M 2.3", "GET /healthz Http/1.1\r\n" + H + "\r\n"),
    bad("no minor version", "M 2.3", "GET /healthz HTTP/1\r\n" + H + "\r\n"),
    bad("two digits", "M 2.3", "GET /healthz HTTP/1.10\r\n" + H + "\r\n"),
    bad("two digits before the point", "M 2.3", "GET /healthz HTTP/11.1\r\n" + H + "\r\n"),
    bad("a leading zero", "M 2.3", "GET /healthz HTTP/01.1\r\n" + H + "\r\n"),
    bad("a comma for the point", "M 2.3", "GET /healthz HTTP/1,1\r\n" + H + "\r\n"),
    bad("a letter for a digit", "M 2.3", "GET /healthz HTTP/1.x\r\n" + H + "\r\n"),
    bad("a sign", "M 2.3", "GET /healthz HTTP/+1.1\r\n" + H + "\r\n"),
    bad("another protocol", "M 2.3", "GET /healthz HTCPCP/1.0\r\n" + H + "\r\n"),
    bad("a space in the version", "M 2.3", "GET /healthz HTTP/ 1.1\r\n" + H + "\r\n"),
]

TARGET = [
    ok("a query", "M 3.2.1", "GET /healthz?a=b&c=%20d HTTP/1.1\r\n" + H + "\r\n"),
    ok("an empty query", "M 3.2.1", "GET /healthz? HTTP/1.1\r\n" + H + "\r\n"),
    ok("question marks in a query", "M 3.2.1", "GET /healthz?a?b?c HTTP/1.1\r\n" + H + "\r\n"),
    case("no such path", "S 15.5.5", "GET /nothing HTTP/1.1\r\n" + H + "\r\n", {404}, then=STAYS),
    case("an encoded NUL in the path", "M 3.2.1", "GET /%00 HTTP/1.1\r\n" + H + "\r\n", {400, 404}, then=EITHER),
    case("an encoding that is none", "M 3.2.1", "GET /%zz HTTP/1.1\r\n" + H + "\r\n", {400, 404}, then=EITHER),
    case("dots that climb", "M 3.2.1", "GET /../../etc/passwd HTTP/1.1\r\n" + H + "\r\n", {400, 404}, then=EITHER),
    ok("absolute-form", "M 3.2.2", "GET http://a/healthz HTTP/1.1\r\n" + H + "\r\n"),
    ok("absolute-form with a port", "M 3.2.2", "GET http://a:80/healthz HTTP/1.1\r\n" + H + "\r\n"),
    ok("absolute-form with another Host", "M 3.2.2", "GET http://b/healthz HTTP/1.1\r\n" + H + "\r\n"),
    ok("absolute-form of https", "M 3.2.2", "GET https://a/healthz HTTP/1.1\r\n" + H + "\r\n"),
    ok("absolute-form, its scheme in capitals", "S 4.2.3", "GET HTTP://A/healthz HTTP/1.1\r\n" + H + "\r\n"),
    ok("absolute-form with a query", "M 3.2.2", "GET http://a/healthz?b HTTP/1.1\r\n" + H + "\r\n"),
    ok("absolute-form with an IPv6 host", "M 3.2.2", "GET http://[::1]:80/healthz HTTP/1.1\r\n" + H + "\r\n"),
    bad("absolute-form without Host", "M 3.2", "GET http://a/healthz HTTP/1.1\r\n\r\n"),
    bad("absolute-form with an empty host", "S 4.2.1", "GET http:///healthz HTTP/1.1\r\n" + H + "\r\n"),
    bad("absolute-form with a user", "S 4.2.4", "GET http://user@a/healthz HTTP/1.1\r\n" + H + "\r\n"),
    bad("absolute-form of another scheme", "M 3.2.2", "GET ftp://a/healthz HTTP/1.1\r\n" + H + "\r\n"),
    bad("absolute-form with a port that is none", "M 3.2.2", "GET http://a:b/healthz HTTP/1.1\r\n" + H + "\r\n"),
    case("asterisk-form", "M 3.2.4", "OPTIONS * HTTP/1.1\r\n" + H + "\r\n", {200, 204}, then=STAYS),
    case("a server in absolute-form", "M 3.2.4", "OPTIONS http://a HTTP/1.1\r\n" + H + "\r\n", {200, 204}, then=STAYS),
    bad("asterisk-form for GET", "M 3.2.4", "GET * HTTP/1.1\r\n" + H + "\r\n"),
    bad("an asterisk and more", "M 3.2.4", "OPTIONS *a HTTP/1.1\r\n" + H + "\r\n"),
    bad("authority-form for GET", "M 3.2.3", "GET a:80 HTTP/1.1\r\n" + H + "\r\n"),
    bad("a path without its slash", "M 3.2.1", "GET healthz HTTP/1.1\r\n" + H + "\r\n"),
    bad("a fragment", "M 3.2", "GET /healthz#a HTTP/1.1\r\n" + H + "\r\n"),
    bad("a space in the path", "M 3.2", "GET /heal thz HTTP/1.1\r\n" + H + "\r\n"),
    bad("a space in the query", "M 3.2", "GET /healthz?a b HTTP/1.1\r\n" + H + "\r\n"),
    bad("NUL in the target", "M 3.2", "GET /healthz\0 HTTP/1.1\r\n" + H + "\r\n"),
    bad("a control byte in the target", "M 3.2", "GET /heal\x01thz HTTP/1.1\r\n" + H + "\r\n"),
    bad("an escape byte in the target", "M 3.2", "GET /heal\x1bthz HTTP/1.1\r\n" + H + "\r\n"),
    bad("DEL in the target", "M 3.2", "GET /healthz\x7f HTTP/1.1\r\n" + H + "\r\n"),
    bad("a byte above 127 in the target", "M 3.2", "GET /\xe9 HTTP/1.1\r\n" + H + "\r\n"),
    bad("a target of 9000 bytes", "S 15.5.15", "GET /" + "a" * 9000 + " HTTP/1.1\r\n" + H + "\r\n", status={414}),
    bad("a query of 9000 bytes", "S 15.5.15", "GET /healthz?" + "a" * 9000 + " HTTP/1.1\r\n" + H + "\r\n", status={414}),
    bad("an endless target", "S 15.5.15", "GET /" + "a" * 100_000, status={414}),
    ok("a target of 7900 bytes", "M 3", "GET /healthz?" + "a" * 7890 + " HTTP/1.1\r\n" + H + "\r\n"),
]

HOST = [
    bad("no Host", "M 3.2", GET + "\r\n"),
    bad("two equal Hosts", "M 3.2", GET + H + H + "\r\n"),
    bad("two unequal Hosts", "M 3.2", GET + H + "Host: b\r\n\r\n"),
    bad("two Hosts, in other cases", "M 3.2", GET + H + "hOST: a\r\n\r\n"),
    ok("an empty Host", "M 3.2", GET + "Host:\r\n\r\n"),
    ok("a Host with a port", "S 7.2", GET + "Host: a.example:8080\r\n\r\n"),
    ok("a Host with an empty port", "S 7.2", GET + "Host: a:\r\n\r\n"),
    ok("a Host in IPv4", "S 7.2", GET + "Host: 127.0.0.1:80\r\n\r\n"),
    ok("a Host in IPv6", "S 7.2", GET + "Host: [2001:db8::1]:80\r\n\r\n"),
    ok("a Host with an encoded byte", "S 7.2", GET + "Host: a%2Db\r\n\r\n"),
    bad("a Host with a space", "M 3.2", GET + "Host: a b\r\n\r\n"),
    bad("a Host with a path", "M 3.2", GET + "Host: a/b\r\n\r\n"),
    bad("a Host with a scheme", "M 3.2", GET + "Host: http://a\r\n\r\n"),
    bad("a Host with a user", "M 3.2", GET + "Host: user@a\r\n\r\n"),
    bad("a Host that is a list", "M 3.2", GET + "Host: a, b\r\n\r\n"),
    bad("a Host with a port that is none", "M 3.2", GET + "Host: a:b\r\n\r\n"),
    bad("a Host with a port that is too large", "M 3.2", GET + "Host: a:65536\r\n\r\n"),
    bad("a Host with a signed port", "M 3.2", GET + "Host: a:-80\r\n\r\n"),
    bad("a Host with two ports", "M 3.2", GET + "Host: a:80:80\r\n\r\n"),
    bad("a Host with a query", "M 3.2", GET + "Host: a?b\r\n\r\n"),
    bad("a Host with a fragment", "M 3.2", GET + "Host: a#b\r\n\r\n"),
    bad("a Host with a backslash", "M 3.2", GET + "Host: a\\b\r\n\r\n"),
    bad("a Host with quotes", "M 3.2", GET + 'Host: "a"\r\n\r\n'),
    bad("a Host with angle brackets", "M 3.2", GET + "Host: <a>\r\n\r\n"),
    bad("a Host with a byte above 127", "M 3.2", GET + "Host: \xe9\r\n\r\n"),
    bad("a Host with NUL", "M 3.2", GET + "Host: a\0\r\n\r\n"),
    bad("a Host with half an encoded byte", "M 3.2", GET + "Host: a%2\r\n\r\n"),
    bad("a Host with an open bracket", "M 3.2", GET + "Host: [::1\r\n\r\n"),
    bad("a Host with text behind the bracket", "M 3.2", GET + "Host: [::1]a\r\n\r\n"),
    bad("a Host that is no IPv6 address", "M 3.2", GET + "Host: [1::2::3]\r\n\r\n"),
    bad("a Host with a zone", "M 3.2", GET + "Host: [fe80::1%25eth0]\r\n\r\n"),
    bad("an invalid Host in HTTP/1.0", "M 3.2", OLD + "Host: a b\r\n\r\n"),
]

FIELDS = [
    ok("no space behind the colon", "M 5", GET + "Host:a\r\n\r\n"),
    ok("tabs around a value", "S 5.6.3", GET + "Host:\ta\t\r\n\r\n"),
    ok("spaces and tabs around a value", "S 5.6.3", GET + "Host: \t a \t \r\n\r\n"),
    ok("a tab within a value", "S 5.5", field("X: a\tb")),
    ok("an empty value", "S 5.5", field("X:")),
    ok("a value of spaces", "S 5.5", field("X:     ")),
    ok("bytes above 127 in a value", "S 5.5", field("X: \xe9\xff\x80")),
    ok("colons in a value", "M 5", field("X: a:b:c")),
    ok("a name of every kind of byte", "S 5.6.2", field("!#$%&'*+-.^_`|~09azAZ: a")),
    ok("names in any case", "S 5.1", "GET /healthz HTTP/1.1\r\nhOsT: a\r\n\r\n"),
    ok("an unknown field", "S 5.1", field("X-Anything: a")),
    ok("the same unknown field twice", "S 5.3", field("X: a\r\nX: b")),
    ok("99 fields", "S 5.4", field("\r\n".join(["X: a"] * 98))),
    bad("a space before the colon", "M 5.1", field("X : a")),
    bad("a tab before the colon", "M 5.1", field("X\t: a")),
    bad("a space before Host's colon", "M 5.1", GET + "Host : a\r\n\r\n"),
    bad("a space before Content-Length's colon", "M 5.1", posted(f"Content-Length : {len(BODY)}")),
    bad("a space before Transfer-Encoding's colon", "M 5.1", POST + H + "Transfer-Encoding : chunked\r\n\r\n" + LAST),
    bad("a space in a name", "M 5.1", field("X Y: a")),
    bad("an empty name", "M 5", field(": a")),
    bad("a colon alone", "M 5", field(":")),
    bad("no colon", "M 5", field("X")),
    bad("no colon, in the first line", "M 5", GET + "X\r\n" + H + "\r\n"),
    bad("parentheses in a name", "M 5", field("X(Y): a")),
    bad("a slash in a name", "M 5", field("X/Y: a")),
    bad("a quote in a name", "M 5", field('X": a')),
    bad("a byte above 127 in a name", "M 5", field("X\xe9: a")),
    bad("NUL in a name", "M 5", field("X\0: a")),
    bad("a control byte in a name", "M 5", field("X\x01: a")),
    bad("a CR in a name", "M 5", field("X\r: a")),
    bad("NUL in a value", "S 5.5", field("X: a\0b")),
    bad("a CR in a value", "S 5.5", field("X: a\rb")),
    bad("a CR at the end of a value", "M 2.2", field("X: a\r")),
    bad("a control byte in a value", "S 5.5", field("X: a\x01b")),
    bad("a vertical tab in a value", "S 5.5", field("X: a\vb")),
    bad("a form feed in a value", "S 5.5", field("X: a\fb")),
    bad("an escape byte in a value", "S 5.5", field("X: a\x1bb")),
    bad("DEL in a value", "S 5.5", field("X: a\x7fb")),
    bad("a line that ends in LF", "M 2.2", GET + H + "X: a\n\r\n"),
    bad("a Host line that ends in LF", "M 2.2", GET + "Host: a\n\r\n"),
    bad("a head that ends in LF LF", "M 2.2", "GET /healthz HTTP/1.1\nHost: a\n\n"),
    bad("an empty line of a bare LF", "M 2.2", GET + H + "\n"),
    bad("a request hidden behind a bare LF", "M 2.2", field("X: a\nY: b")),
    bad("a folded line", "M 5.2", field("X: a\r\n b")),
    bad("a line folded by a tab", "M 5.2", field("X: a\r\n\tb")),
    bad("a folded line of spaces", "M 5.2", field("X: a\r\n   ")),
    bad("a folded Host", "M 5.2", GET + "Host:\r\n a\r\n\r\n"),
    bad("a space before the first field", "M 2.2", GET + " " + H + "\r\n"),
    bad("a folded line first", "M 2.2", GET + " X: a\r\n" + H + "\r\n"),
    bad("101 fields", "S 5.4", field("\r\n".join(["X: a"] * 100)), status={431}),
    bad("a field of 17 000 bytes", "S 5.4", field("X: " + "a" * 17_000), status={431}),
    bad("a name of 17 000 bytes", "S 5.4", field("X" * 17_000 + ": a"), status={431}),
    bad("an endless field", "S 5.4", GET + H + "X: " + "a" * 100_000, status={431}),
    bad("endless fields", "S 5.4", GET + H + "X: a\r\n" * 20_000, status={431}),
    ok("a field of 15 000 bytes", "S 5.4", field("X: " + "a" * 15_000)),
]

CONTENT_LENGTH = [
    ok("a POST with a length", "M 6.2", POSTED),
    ok("a length with leading zeros", "S 8.6", posted(f"Content-Length: 00{len(BODY)}")),
    ok("a length between tabs", "S 5.6.3", posted(f"Content-Length:\t{len(BODY)}\t")),
    ok("a length, its name in capitals", "S 5.1", posted(f"CONTENT-LENGTH: {len(BODY)}")),
    case("no length and no body", "M 6.3", POST + H + "\r\n", {200, 400, 411, 422}, then=STAYS),
    case("a length of 0", "M 6.3", POST + H + "Content-Length: 0\r\n\r\n", {200, 400, 411, 422}, then=STAYS),
    ok("a GET with a length of 0", "S 9.3.1", field("Content-Length: 0")),
    ok("a GET with a body", "S 9.3.1", field("Content-Length: 5") + "hello"),
    bad("two equal lengths", "M 6.3", posted(LENGTH.strip(), LENGTH.strip())),
    bad("two unequal lengths", "M 6.3", posted(LENGTH.strip(), "Content-Length: 5")),
    bad("three lengths", "M 6.3", posted(*[LENGTH.strip()] * 3)),
    bad("two lengths in other cases", "M 6.3", posted(LENGTH.strip(), LENGTH.strip().lower())),
    bad("a list of equal lengths", "M 6.3", posted(f"Content-Length: {len(BODY)}, {len(BODY)}")),
    bad("a list of unequal lengths", "M 6.3", posted(f"Content-Length: {len(BODY)}, 5")),
    bad("a list with an empty element", "M 6.3", posted(f"Content-Length: {len(BODY)},")),
    bad("a positive length", "S 8.6", posted(f"Content-Length: +{len(BODY)}")),
    bad("a negative length", "S 8.6", posted("Content-Length: -1")),
    bad("a negative zero", "S 8.6", posted("Content-Length: -0")),
    bad("a hexadecimal length", "S 8.6", posted("Content-Length: 0x20")),
    bad("hexadecimal digits", "S 8.6", posted("Content-Length: 1f")),
    bad("a fraction", "S 8.6", posted(f"Content-Length: {len(BODY)}.0")),
    bad("an exponent", "S 8.6", posted("Content-Length: 3e1")),
    bad("an underscore", "S 8.6", posted("Content-Length: 3_2")),
    bad("a space within", "S 8.6", posted("Content-Length: 3 2")),
    bad("a unit", "S 8.6", posted(f"Content-Length: {len(BODY)} bytes")),
    bad("quotes", "S 8.6", posted(f'Content-Length: "{len(BODY)}"')),
    bad("a word", "S 8.6", posted("Content-Length: many")),
    bad("an empty length", "S 8.6", posted("Content-Length:")),
    bad("digits of another script", "S 8.6", posted("Content-Length: \xd9\xa3\xd9\xa2")),
    bad("2⁶³", "S 8.6", posted("Content-Length: 9223372036854775808"), status={400, 413}),
    bad("2⁶⁴ and the length", "S 8.6", posted(f"Content-Length: {(1 << 64) + len(BODY)}")),
    bad("2³² and the length", "S 8.6", posted(f"Content-Length: {(1 << 32) + len(BODY)}"), status={413}),
    bad("a length of 40 digits", "S 8.6", posted("Content-Length: " + "1" * 40)),
    bad("a length of 40 zeros and the length", "S 8.6", posted("Content-Length: " + "0" * 40 + str(len(BODY)))),
    bad("a length above the limit", "S 15.5.14", POST + H + "Content-Length: 999999999999\r\n\r\n", status={413}),
    bad("the end within a body", "M 8", POST + H + LENGTH + "\r\n" + BODY[:5], HALF),
    case("the next request behind a body", "M 6.2", POSTED + WHOLE, OK, OK, then=STAYS),
    case("a body that is longer than its length", "M 6.2", POSTED + "x y\r\n\r\n", OK, BAD, then=CLOSES),
]

TRANSFER_ENCODING = [
    ok("chunked", "M 6.1", chunked(CHUNK + LAST)),
    ok("chunked, in capitals", "M 7", POST + H + "Transfer-Encoding: CHUNKED\r\n\r\n" + CHUNK + LAST),
    ok("chunked, between tabs", "S 5.6.3", POST + H + "Transfer-Encoding:\tchunked\t\r\n\r\n" + CHUNK + LAST),
    bad("with a length", "M 6.1", chunked(CHUNK + LAST, LENGTH.strip())),
    bad("with a length of 0", "M 6.1", chunked(CHUNK + LAST, "Content-Length: 0")),
    bad("with a length before it", "M 6.1", posted(LENGTH.strip(), CHUNKED.strip())),
    bad("with an invalid length", "M 6.1", chunked(CHUNK + LAST, "Content-Length: x")),
    bad("chunked twice, in two lines", "M 7", chunked(CHUNK + LAST, CHUNKED.strip())),
    bad("chunked twice, in a list", "M 7", POST + H + "Transfer-Encoding: chunked, chunked\r\n\r\n" + LAST),
    bad("chunked, then gzip", "M 6.3", POST + H + "Transfer-Encoding: chunked, gzip\r\n\r\n" + LAST),
    bad("chunked, then identity", "M 6.3", POST + H + "Transfer-Encoding: chunked, identity\r\n\r\n" + LAST),
    bad("chunked, then identity in another line", "M 6.3", chunked(CHUNK + LAST, "Transfer-Encoding: identity")),
    bad("chunked, then an unknown coding", "M 6.3", POST + H + "Transfer-Encoding: chunked, x\r\n\r\n" + LAST),
    bad("chunked with a parameter", "M 7", POST + H + "Transfer-Encoding: chunked;a=b\r\n\r\n" + LAST),
    bad("chunked in quotes", "M 7", POST + H + 'Transfer-Encoding: "chunked"\r\n\r\n' + LAST),
    bad("chunked and a word", "M 7", POST + H + "Transfer-Encoding: chunked x\r\n\r\n" + LAST),
    bad("chunked behind a control byte", "S 5.5", POST + H + "Transfer-Encoding: \vchunked\r\n\r\n" + LAST),
    bad("an empty coding", "M 6.1", POST + H + "Transfer-Encoding:\r\n\r\n" + LAST),
    bad("an empty element behind", "M 6.1", POST + H + "Transfer-Encoding: chunked,\r\n\r\n" + LAST),
    bad("an empty element before", "M 6.1", POST + H + "Transfer-Encoding: ,chunked\r\n\r\n" + LAST),
    bad("a folded coding", "M 5.2", POST + H + "Transfer-Encoding:\r\n chunked\r\n\r\n" + LAST),
    bad("an unknown coding", "M 6.1", POST + H + "Transfer-Encoding: x\r\n\r\n" + LAST, status={501}),
    bad("nearly chunked", "M 6.1", POST + H + "Transfer-Encoding: xchunked\r\n\r\n" + LAST, status={501}),
    bad("chunked and more", "M 6.1", POST + H + "Transfer-Encoding: chunkedx\r\n\r\n" + LAST, status={501}),
    bad("gzip, then chunked", "M 6.1", POST + H + "Transfer-Encoding: gzip, chunked\r\n\r\n" + LAST, status={501}),
    bad("gzip alone", "M 6.1", POST + H + "Transfer-Encoding: gzip\r\n\r\n" + LAST, status={400, 501}),
    bad("identity", "M 6.1", POST + H + "Transfer-Encoding: identity\r\n\r\n", status={400, 501}),
    bad("identity, then chunked", "M 6.1", POST + H + "Transfer-Encoding: identity, chunked\r\n\r\n" + LAST, status={501}),
    bad("in HTTP/1.0", "M 6.1", "POST /convolve HTTP/1.0\r\n" + CHUNKED + "\r\n" + CHUNK + LAST),
    bad("in HTTP/1.0 with keep-alive", "M 6.1", "POST /convolve HTTP/1.0\r\nConnection: keep-alive\r\n" + CHUNKED + "\r\n" + LAST),
    ok("a GET with a chunked body", "S 9.3.1", GET + H + CHUNKED + "\r\n5\r\nhello\r\n" + LAST),
]

CHUNKS = [
    ok("one chunk", "M 7.1", chunked(CHUNK + LAST)),
    ok("two chunks", "M 7.1", chunked(f"4\r\n{BODY[:4]}\r\n{len(BODY) - 4:X}\r\n{BODY[4:]}\r\n" + LAST)),
    ok("a chunk for each byte", "M 7.1", chunked("".join(f"1\r\n{byte}\r\n" for byte in BODY) + LAST)),
    ok("a size with leading zeros", "M 7.1", chunked(f"0000{CHUNK}0000\r\n\r\n")),
    ok("a size in capitals", "M 7.1", chunked(f"A\r\n{BODY[:10]}\r\n{len(BODY) - 10:X}\r\n{BODY[10:]}\r\n" + LAST)),
    ok("many writes", "M 7.1", POST + H + CHUNKED + "\r", "\n2", "0\r", f"\n{BODY[:9]}", f"{BODY[9:]}\r", "\n0", "\r\n\r", "\n"),
    case("the next request behind the chunks", "M 7.1", chunked(CHUNK + LAST) + WHOLE, OK, OK, then=STAYS),
    case("no chunk but the last", "M 7.1", chunked(LAST), {200, 400, 411, 422}, then=STAYS),
    bad("no size", "M 7.1", chunked(f"\r\n{BODY}\r\n" + LAST)),
    bad("a positive size", "M 7.1", chunked("+" + CHUNK + LAST)),
    bad("a negative size", "M 7.1", chunked("-1\r\n" + CHUNK + LAST)),
    bad("a size with 0x", "M 7.1", chunked("0x" + CHUNK + LAST)),
    bad("a size with h", "M 7.1", chunked(f"20h\r\n{BODY}\r\n" + LAST)),
    bad("a size that is a word", "M 7.1", chunked(f"size\r\n{BODY}\r\n" + LAST)),
    bad("a size with an underscore", "M 7.1", chunked(f"2_0\r\n{BODY}\r\n" + LAST)),
    bad("a space before the size", "M 7.1", chunked(" " + CHUNK + LAST)),
    bad("a space behind the size", "M 7.1", chunked(f"20 \r\n{BODY}\r\n" + LAST)),
    bad("a tab behind the size", "M 7.1", chunked(f"20\t\r\n{BODY}\r\n" + LAST)),
    bad("a space within the size", "M 7.1", chunked(f"2 0\r\n{BODY}\r\n" + LAST)),
    bad("a space before an extension", "M 7.1.1", chunked(f"20 ;a\r\n{BODY}\r\n" + LAST)),
    bad("a size of 17 digits", "M 7.1", chunked("00000000000000020\r\n" + BODY + "\r\n" + LAST)),
    bad("2⁶⁴ and the size", "M 7.1", chunked("10000000000000020\r\n" + BODY + "\r\n" + LAST)),
    bad("2⁶⁴ − 1", "M 7.1", chunked("ffffffffffffffff\r\n" + BODY + "\r\n" + LAST)),
    bad("2⁶³", "M 7.1", chunked("8000000000000000\r\n" + BODY + "\r\n" + LAST)),
    bad("2⁶³ − 1", "S 15.5.14", chunked("7fffffffffffffff\r\n" + BODY), status={413}),
    bad("2³² and the size", "S 15.5.14", chunked(f"{(1 << 32) + len(BODY):x}\r\n{BODY}\r\n" + LAST), status={413}),
    bad("an endless size", "M 7.1", chunked("0" * 5000)),
    bad("a chunk shorter than its size", "M 7.1", chunked(f"{len(BODY) + 1:x}\r\n{BODY}\r\n" + LAST)),
    bad("a chunk longer than its size", "M 7.1", chunked(f"{len(BODY) - 1:x}\r\n{BODY}\r\n" + LAST)),
    bad("no CRLF behind the data", "M 7.1", chunked(f"20\r\n{BODY}{LAST}")),
    bad("LF behind the size", "M 7.1", chunked(f"20\n{BODY}\r\n" + LAST)),
    bad("CR behind the size", "M 7.1", chunked(f"20\r{BODY}\r\n" + LAST)),
    bad("LF behind the data", "M 7.1", chunked(f"20\r\n{BODY}\n" + LAST)),
    bad("CR behind the data", "M 7.1", chunked(f"20\r\n{BODY}\r" + LAST)),
    bad("LF behind the last size", "M 7.1", chunked(CHUNK + "0\n\r\n")),
    bad("LF at the end", "M 7.1", chunked(CHUNK + "0\r\n\n")),
    bad("the end within a chunk", "M 8", chunked(f"20\r\n{BODY[:4]}"), HALF),
    bad("the end before the last chunk", "M 8", chunked(CHUNK), HALF),
    bad("the end before the last empty line", "M 8", chunked(CHUNK + "0\r\n"), HALF),
    ok("an extension", "M 7.1.1", chunked(f"20;a\r\n{BODY}\r\n" + LAST)),
    ok("an extension with a value", "M 7.1.1", chunked(f"20;a=b\r\n{BODY}\r\n0;c=d\r\n\r\n")),
    ok("an extension in quotes", "M 7.1.1", chunked(f'20;a="b;c"\r\n{BODY}\r\n' + LAST)),
    ok("many extensions", "M 7.1.1", chunked(f"20{';a=b' * 100}\r\n{BODY}\r\n" + LAST)),
    bad("an extension that ends in LF", "M 7.1.1", chunked(f"20;a\n{BODY}\r\n" + LAST)),
    bad("a CR in an extension", "M 7.1.1", chunked(f"20;a\rb\r\n{BODY}\r\n" + LAST)),
    bad("NUL in an extension", "M 7.1.1", chunked(f"20;a\0\r\n{BODY}\r\n" + LAST)),
    bad("a control byte in an extension", "M 7.1.1", chunked(f"20;a\x01\r\n{BODY}\r\n" + LAST)),
    bad("an endless extension", "M 7.1.1", chunked("20;" + "a" * 100_000), status={400, 413, 431}),
    bad("endless small extensions", "M 7.1.1", chunked(("1;" + "a" * 50 + "\r\nx\r\n") * 1000), status={400, 413, 431}),
    ok("a trailer", "M 7.1.2", chunked(CHUNK + "0\r\nX: a\r\n\r\n")),
    ok("trailers that would reframe", "S 6.5.1", chunked(CHUNK + "0\r\nContent-Length: 5\r\nTransfer-Encoding: x\r\nHost: b\r\n\r\n")),
    ok("a trailer that would close", "S 6.5.1", chunked(CHUNK + "0\r\nConnection: close\r\n\r\n")),
    bad("a trailer without a colon", "M 7.1.2", chunked(CHUNK + "0\r\nX\r\n\r\n")),
    bad("a trailer without a name", "M 7.1.2", chunked(CHUNK + "0\r\n: a\r\n\r\n")),
    bad("a trailer with a space before its colon", "M 7.1.2", chunked(CHUNK + "0\r\nX : a\r\n\r\n")),
    bad("a folded trailer", "M 7.1.2", chunked(CHUNK + "0\r\nX: a\r\n b\r\n\r\n")),
    bad("a trailer that ends in LF", "M 7.1.2", chunked(CHUNK + "0\r\nX: a\n\r\n")),
    bad("NUL in a trailer", "M 7.1.2", chunked(CHUNK + "0\r\nX: \0\r\n\r\n")),
    bad("a CR in a trailer", "M 7.1.2", chunked(CHUNK + "0\r\nX: a\rb\r\n\r\n")),
    bad("an endless trailer", "M 7.1.2", chunked(CHUNK + "0\r\nX: " + "a" * 100_000), status={400, 413, 431}),
    bad("endless trailers", "M 7.1.2", chunked(CHUNK + "0\r\n" + "X: a\r\n" * 20_000), status={400, 413, 431}),
]

CONNECTION = [
    case("close", "M 9.6", GET + H + CLOSE + "\r\n", OK, then=CLOSES),
    case("close, in capitals", "M 9.6", GET + H + "Connection: CLOSE\r\n\r\n", OK, then=CLOSES),
    case("close, in a list", "M 9.6", GET + H + "Connection: x, Close ,y\r\n\r\n", OK, then=CLOSES),
    case("close, between empty elements", "S 5.6.1", GET + H + "Connection: ,close,\r\n\r\n", OK, then=CLOSES),
    case("close, in a second line", "S 5.3", GET + H + "Connection: x\r\nConnection: close\r\n\r\n", OK, then=CLOSES),
    case("close beside keep-alive", "M 9.3", GET + H + "Connection: keep-alive, close\r\n\r\n", OK, then=CLOSES),
    case("close and a body", "M 9.6", posted(LENGTH.strip(), "Connection: close"), OK, then=CLOSES),
    case("close and an error", "M 9.6", "GET /nothing HTTP/1.1\r\n" + H + CLOSE + "\r\n", {404}, then=CLOSES),
    case("nothing behind close is answered", "M 9.6", GET + H + CLOSE + "\r\n" + WHOLE, OK, then=CLOSES),
    ok("keep-alive", "M 9.3", field("Connection: keep-alive")),
    ok("nearly close", "M 9.6", field("Connection: closed, not-close")),
    ok("an upgrade that is not known", "S 7.8", field("Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk")),
    case("HTTP/1.0", "M 9.3", OLD + "\r\n", OK, then=CLOSES),
    case("HTTP/1.0 with Host", "M 9.3", OLD + H + "\r\n", OK, then=CLOSES),
    ok("HTTP/1.0 with keep-alive", "M 9.3", OLD + "Connection: keep-alive\r\n\r\n"),
    ok("HTTP/1.0 with keep-alive, in capitals", "M 9.3", OLD + "Connection: Keep-Alive\r\n\r\n"),
    case("HTTP/1.0 with both", "M 9.3", OLD + "Connection: keep-alive, close\r\n\r\n", OK, then=CLOSES),
    case("HTTP/1.0 with a body", "M 6.2", "POST /convolve HTTP/1.0\r\n" + LENGTH + "\r\n" + BODY, OK, then=CLOSES),
    case("two pipelined requests", "M 9.3.2", WHOLE + WHOLE, OK, OK, then=STAYS),
    case("twenty pipelined requests", "M 9.3.2", WHOLE * 20, *[OK] * 20, then=STAYS),
    case("a hundred pipelined requests", "M 9.3.2", WHOLE * 100, *[OK] * 100, then=STAYS),
    case("pipelined, of all kinds", "M 9.3.2", WHOLE + POSTED + chunked(CHUNK + LAST) + WHOLE, OK, OK, OK, OK, then=STAYS),
    case("HEAD in a pipeline", "M 9.3.2", "HEAD /healthz HTTP/1.1\r\n" + H + "\r\n" + WHOLE, ToHead(OK), OK, then=STAYS),
    case("a good request before a bad one", "M 9.3.2", WHOLE + "GET /a b HTTP/1.1\r\n\r\n", OK, BAD, then=CLOSES),
    case("good ones before and behind a bad one", "M 9.3.2", WHOLE + POSTED + field("X") + WHOLE, OK, OK, BAD, then=CLOSES),
    case("a body before a bad one", "M 9.3.2", POSTED + "x\r\n\r\n", OK, BAD, then=CLOSES),
    case("a missing path in a pipeline", "M 9.3.2", "GET /nothing HTTP/1.1\r\n" + H + "\r\n" + WHOLE, {404}, OK, then=STAYS),
    case("a refused body in a pipeline", "M 9.3", "POST /nothing HTTP/1.1\r\n" + H + LENGTH + "\r\n" + BODY + WHOLE, {404}, OK, then=STAYS),
    case("a request in single bytes", "M 2.2", *POSTED, OK, then=STAYS, routes=True),
    case("two requests, cut within the second", "M 9.3.2", WHOLE + POSTED[:40], OK, POSTED[40:], OK, then=STAYS),
    case("a half-closed client", "M 9.6", WHOLE, HALF, OK, then=CLOSES),
    case("a half-closed client with a body", "M 9.6", POSTED, HALF, OK, then=CLOSES),
    case("a half-closed client with a pipeline", "M 9.6", WHOLE + POSTED + WHOLE, HALF, OK, OK, OK, then=CLOSES),
    case("a client that half-closes without a word", "M 9.6", HALF, then=CLOSES),
    case("a client that half-closes behind an empty line", "M 2.2", WHOLE + "\r\n", HALF, OK, then=CLOSES),
    bad("the end within a request line", "M 8", "GET /hea", HALF),
    bad("the end within a head", "M 8", GET + H, HALF),
]

EXPECTATIONS = [
    case("100 is waited for", "S 10.1.1", POST + H + LENGTH + EXPECT + "\r\n", {100}, BODY, OK, then=STAYS),
    case("100 before chunks", "S 10.1.1", POST + H + CHUNKED + EXPECT + "\r\n", {100}, CHUNK + LAST, OK, then=STAYS),
    case("100, in other cases", "S 10.1.1", POST + H + LENGTH + "EXPECT: 100-Continue\r\n\r\n", {100}, BODY, OK, then=STAYS),
    case("100 behind an earlier answer", "S 10.1.1", WHOLE + POST + H + LENGTH + EXPECT + "\r\n", OK, {100}, BODY, OK, then=STAYS),
    case("no 100 where the body is here", "S 10.1.1", POST + H + LENGTH + EXPECT + "\r\n" + BODY, OK, then=STAYS),
    case("no 100 without a body", "S 10.1.1", GET + H + EXPECT + "\r\n", OK, then=STAYS),
    case("no 100 in HTTP/1.0", "S 10.1.1", "POST /convolve HTTP/1.0\r\n" + LENGTH + EXPECT + "\r\n", BODY, OK, then=CLOSES),
    bad("another expectation", "S 15.5.18", POST + H + LENGTH + "Expect: tea\r\n\r\n", status={417}),
    bad("another expectation beside it", "S 15.5.18", POST + H + LENGTH + "Expect: 100-continue, tea\r\n\r\n", status={417}),
    bad("another expectation, the body behind it", "S 15.5.18", posted(LENGTH.strip(), "Expect: tea"), status={417}),
    bad("413 in place of 100", "S 15.5.14", POST + H + "Content-Length: 999999999999\r\n" + EXPECT + "\r\n", status={413}),
    bad("400 in place of 100", "M 6.3", POST + H + LENGTH + LENGTH + EXPECT + "\r\n"),
    bad("404 in place of 100", "S 10.1.1", "POST /nothing HTTP/1.1\r\n" + H + LENGTH + EXPECT + "\r\n", status={404}),
    case("405 in place of 100", "S 10.1.1", "PUT /convolve HTTP/1.1\r\n" + H + LENGTH + EXPECT + "\r\n", {405}, then=CLOSES, routes=True),
    case(
        "415 in place of 100", "S 15.5.16",
        POST + H + LENGTH + "Content-Type: text/plain\r\n" + EXPECT + "\r\n", {415}, then=CLOSES, routes=True,
    ),
    case("406 in place of 100", "S 15.5.7", POST + H + LENGTH + "Accept: text/html\r\n" + EXPECT + "\r\n", {406}, then=CLOSES, routes=True),
]

REPEATED = [
    case(
        "two unequal types of one body", "S 5.3",
        posted(LENGTH.strip(), "Content-Type: text/plain", "Content-Type: application/json"), {400, 415}, then=EITHER, routes=True,
    ),
    case(
        "two unequal types, the other way round", "S 5.3",
        posted(LENGTH.strip(), "Content-Type: application/json", "Content-Type: text/plain"), {400, 415}, then=EITHER, routes=True,
    ),
    ok("two Accept lines are one list", "S 5.3", field("Accept: text/html\r\nAccept: application/json, */*")),
]

CASES = {
    "request line": REQUEST_LINE,
    "method": METHOD,
    "version": VERSION,
    "target": TARGET,
    "Host": HOST,
    "fields": FIELDS,
    "Content-Length": CONTENT_LENGTH,
    "Transfer-Encoding": TRANSFER_ENCODING,
    "chunks": CHUNKS,
    "connection": CONNECTION,
    "Expect": EXPECTATIONS,
    "repeated fields": REPEATED,
}
