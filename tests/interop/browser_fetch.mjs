// better-auth's client keeps no cookies outside a browser: this fetch plays the browser's part.
export function make_browser_fetch(url) {
    const jar = new Map();
    async function browser_fetch(input, options = {}) {
        const headers = new Headers(options.headers);
        headers.set("origin", new URL(url).origin);
        if (jar.size > 0) {
            headers.set("cookie", [...jar].map(([name, value]) => `${name}=${value}`).join("; "));
        }
        const answer = await fetch(input, { redirect: "manual", ...options, headers });
        for (const line of answer.headers.getSetCookie()) {
            const [pair, ...attributes] = line.split(";").map((part) => part.trim());
            const at = pair.indexOf("=");
            const gone = attributes.some((word) => /^max-age=0$/i.test(word));
            if (gone) jar.delete(pair.slice(0, at));
            else jar.set(pair.slice(0, at), pair.slice(at + 1));
        }
        return answer;
    }
    return { jar, browser_fetch };
}
