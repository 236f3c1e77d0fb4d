// A browser for the service's tests: keeps cookies as one does and sends the origin of our page.
#pragma once

#include <map>
#include <string>

#include "tests/auth/service_support.hpp"

namespace tests {

struct Browser {
    std::map<std::string, std::string> cookies;
    std::string origin = "http://localhost:5173";

    base::HttpHeaders headers() const {
        base::HttpHeaders headers = {{"Origin", origin}};
        std::string line;
        for (const auto& [name, value] : cookies) {
            line += (line.empty() ? "" : "; ") + (name + "=" + value);
        }
        if (!line.empty()) headers.emplace_back("Cookie", line);
        return headers;
    }

    const Answer& keep(const Answer& answer) {
        for (const std::string& set : answer.cookies()) {
            const std::size_t equal = set.find('='), end = set.find(';');
            const std::string name = set.substr(0, equal);
            if (set.find("Max-Age=0") != std::string::npos) {
                cookies.erase(name);
            } else {
                cookies[name] = set.substr(equal + 1, end - equal - 1);
            }
        }
        return answer;
    }
    bool has(const std::string& name) const { return cookies.contains("mana." + name); }
};

// A test with one browser at hand; more are made by name.
class BrowserTest : public ServiceTest {
  protected:
    using ServiceTest::ServiceTest;
    BrowserTest() = default;

    Answer ask(Browser& browser, const std::string& path) {
        return browser.keep(get(path, browser.headers()));
    }
    Answer tell(Browser& browser, const std::string& path, const base::Json& body) {
        return browser.keep(post(path, body, browser.headers()));
    }
    Answer sign_in(Browser& browser, const std::string& email, const base::Json& more = {}) {
        base::Json body = {{"email", email}, {"password", good_password}};
        if (more.is_object()) body.update(more);
        return tell(browser, "/api/auth/sign-in/email", body);
    }
    Answer session(Browser& browser) { return ask(browser, "/api/auth/get-session"); }
};

}  // namespace tests
