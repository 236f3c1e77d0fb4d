// Request heads as strangers write them: paths, methods, queries, headers that do not agree.
#include "base/server.hpp"

#include <nlohmann/json.hpp>

#include "tests/base/server_support.hpp"

namespace {

using base::Server;
using base::ServerRequest;
using base::ServerResponse;
using server_tests::answer;
using server_tests::Caller;
using server_tests::get;
using server_tests::hello;
using server_tests::length_of_body;
using server_tests::ServerWire;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

TEST_F(ServerWire, HeadAnswersLengthWithoutBody) {
    Server server({.name = "test"});
    server.route("GET", "/hello", hello);
    server.start();
    std::string text = answer(server, "HEAD /hello HTTP/1.1\r\nHost: x\r\n\r\n");
    EXPECT_THAT(text, StartsWith("HTTP/1.1 200"));
    EXPECT_THAT(text, HasSubstr("Content-Length: 5\r\n"));
    EXPECT_THAT(text, Not(HasSubstr("hello")));
}

TEST_F(ServerWire, OtherMethodIs405WithAllow) {
    Server server({.name = "test"});
    server.route("GET", "/things/:id", hello);
    server.route("DELETE", "/things/:id", hello);
    server.start();
    std::string text =
        answer(server, "POST /things/1 HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n");
    EXPECT_THAT(text, StartsWith("HTTP/1.1 405"));
    EXPECT_THAT(text, HasSubstr("Allow: DELETE, GET, HEAD\r\n"));
    EXPECT_THAT(answer(server, get("/other")), StartsWith("HTTP/1.1 404"));
    EXPECT_THAT(answer(server, "BREW / HTTP/1.1\r\nHost: x\r\n\r\n"), StartsWith("HTTP/1.1 501"));
}

// What takes the rest must not hide that a path is known.
TEST_F(ServerWire, OtherMethodIs405AlsoBesideACatchAll) {
    Server server({.name = "test"});
    server.route("GET", "/things/:id", hello);
    for (const char* method : {"GET", "POST"}) {
        server.route(method, "/*", [](const ServerRequest& request) {
            return ServerResponse::text("rest " + request.param("*"));
        });
    }
    server.start();
    std::string text =
        answer(server, "POST /things/1 HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n");
    EXPECT_THAT(text, StartsWith("HTTP/1.1 405"));
    EXPECT_THAT(text, HasSubstr("Allow: GET, HEAD\r\n"));
    EXPECT_THAT(answer(server, get("/things/1")), HasSubstr("\r\n\r\nhello"));
    EXPECT_THAT(answer(server, get("/things")), HasSubstr("rest things"));
    EXPECT_THAT(answer(server, "POST /other HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n"),
                HasSubstr("rest other"));
}

TEST_F(ServerWire, QueriesAreCheckedAgainstAList) {
    Server server({.name = "test"});
    server.route("GET", "/list", [](const ServerRequest& request) {
        static constexpr std::string_view known[] = {"limit", "after"};
        request.only_query(known);
        return ServerResponse::text("fine");
    });
    server.start();
    for (const char* path : {"/list", "/list?", "/list?limit=1", "/list?after=x&limit=1"})
        EXPECT_THAT(answer(server, get(path)), HasSubstr("fine")) << path;
    EXPECT_THAT(answer(server, get("/list?limi=1")),
                HasSubstr("limi is not a known query parameter; valid are limit, after"));
    EXPECT_THAT(answer(server, get("/list?limit=1&limit=2")),
                HasSubstr("query parameter limit must be given once"));
}

TEST_F(ServerWire, PathParametersAreDecodedOnce) {
    Server server({.name = "test"});
    server.route("GET", "/a/:id/b", [](const ServerRequest& request) {
        return ServerResponse::text("[" + request.param("id") + "]");
    });
    server.route("GET", "/files/*", [](const ServerRequest& request) {
        return ServerResponse::text("<" + request.param("*") + ">");
    });
    server.start();
    EXPECT_THAT(answer(server, get("/a/x%2Fy%2520z/b")), HasSubstr("[x/y%20z]"));
    EXPECT_THAT(answer(server, get("/a/%C3%A4+/b")), HasSubstr("[ä+]"));
    EXPECT_THAT(answer(server, get("/files/one/two")), HasSubstr("<one/two>"));
    EXPECT_THAT(answer(server, get("/a/%2/b")), StartsWith("HTTP/1.1 400"));
    EXPECT_THAT(answer(server, get("/a/%00/b")), StartsWith("HTTP/1.1 400"));
    EXPECT_THAT(answer(server, get("/a/%FF/b")), StartsWith("HTTP/1.1 400"));
    EXPECT_THAT(answer(server, get("/a//b")), StartsWith("HTTP/1.1 404"));
}

TEST_F(ServerWire, LiteralRouteWinsOverParameter) {
    Server server({.name = "test"});
    server.route("GET", "/p/:id", [](const ServerRequest&) { return ServerResponse::text("any"); });
    server.route("GET", "/p/due", [](const ServerRequest&) { return ServerResponse::text("due"); });
    server.start();
    EXPECT_THAT(answer(server, get("/p/due")), HasSubstr("\r\n\r\ndue"));
    EXPECT_THAT(answer(server, get("/p/7")), HasSubstr("\r\n\r\nany"));
}

TEST_F(ServerWire, HandsOverQueryHeadersCookiesAndAddress) {
    Server server({.name = "test"});
    server.route("GET", "/q", [](const ServerRequest& request) {
        return ServerResponse::json({{"q", request.query_value("q").value_or("-")},
                                     {"none", request.query_value("none").has_value()},
                                     {"header", request.header("x-thing")},
                                     {"cookie", request.cookie("session").value_or("-")},
                                     {"address", request.remote_address}});
    });
    server.start();
    std::string text = answer(
        server, get("/q?q=a%20b+c&q=2&x", "X-THING: 100%41\r\nCookie: a=b; session=s%3D1\r\n"));
    EXPECT_THAT(text, HasSubstr("\"q\":\"a b c\""));
    EXPECT_THAT(text, HasSubstr("\"none\":false"));
    EXPECT_THAT(text, HasSubstr("\"header\":\"100%41\""));
    EXPECT_THAT(text, HasSubstr("\"cookie\":\"s%3D1\""));
    EXPECT_THAT(text, HasSubstr("\"address\":\"127.0.0.1\""));
}

TEST_F(ServerWire, HeaderInjectionInAnAnswerIsRefused) {
    Server server({.name = "test"});
    server.route("GET", "/echo", [](const ServerRequest& request) {
        ServerResponse response = hello(request);
        response.headers.emplace_back("X-Echo", request.query_value("v").value_or(""));
        return response;
    });
    server.start();
    EXPECT_THAT(answer(server, get("/echo?v=fine")), HasSubstr("X-Echo: fine\r\n"));
    std::string text = answer(server, get("/echo?v=a%0d%0aSet-Cookie:%20x=1"));
    EXPECT_THAT(text, StartsWith("HTTP/1.1 500"));
    EXPECT_THAT(text, Not(HasSubstr("Set-Cookie")));
}

TEST_F(ServerWire, TwoOfACriticalHeaderAre400) {
    Server server({.name = "test"});
    server.route("GET", "/hello", hello);
    server.start();
    for (const char* twice : {"Authorization: a\r\nauthorization: b\r\n", "Host: y\r\n",
                              "Content-Length: 0\r\nContent-Length: 0\r\n"})
        EXPECT_THAT(answer(server, get("/hello", twice)), StartsWith("HTTP/1.1 400")) << twice;
    EXPECT_THAT(answer(server, "GET /hello HTTP/1.1\r\n\r\n"), StartsWith("HTTP/1.1 400"));
}

TEST_F(ServerWire, AmbiguousHeadsAre400) {
    Server server({.name = "test"});
    server.route("GET", "/hello", hello);
    server.start();
    for (const char* lines : {"X: a\nY: b\r\n", "X: a\r\n folded\r\n", "X : a\r\n", ": a\r\n",
                              "X: a\rb\r\n", "Content-Length: +1\r\n", "Content-Length: -1\r\n",
                              "Content-Length: 0x1\r\n", "Content-Length: \r\n"})
        EXPECT_THAT(answer(server, get("/hello", lines)), StartsWith("HTTP/1.1 400")) << lines;
    EXPECT_THAT(answer(server, get("/hello", "Content-Length: 99999999999999999999\r\n")),
                StartsWith("HTTP/1.1 413"));
    EXPECT_THAT(answer(server, "GET http://x/hello HTTP/1.1\r\nHost: x\r\n\r\n"),
                StartsWith("HTTP/1.1 400"));
    EXPECT_THAT(answer(server, "GET /hello HTTP/2.0\r\nHost: x\r\n\r\n"),
                StartsWith("HTTP/1.1 505"));
}

TEST_F(ServerWire, Expect100IsAnsweredBeforeTheBody) {
    Server server({.name = "test"});
    server.route("POST", "/length", length_of_body);
    server.start();
    Caller caller(server.port());
    ASSERT_TRUE(
        caller.send("POST /length HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\n"
                    "Content-Length: 2\r\n\r\n"));
    ASSERT_THAT(caller.until("\r\n\r\n"), StartsWith("HTTP/1.1 100 Continue\r\n"));
    ASSERT_TRUE(caller.send("ab"));
    EXPECT_THAT(caller.until("\r\n\r\n2"), HasSubstr("HTTP/1.1 200"));
}

}  // namespace
