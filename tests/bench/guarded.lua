-- For wrk: requests with the bearer of the variable BENCH_TOKEN; prints one line of JSON at the end.
wrk.headers["Authorization"] = "Bearer " .. os.getenv("BENCH_TOKEN")

function done(summary, latency, requests)
    local errors = summary.errors
    io.write(string.format(
        '{"requests_per_s":%.0f,"p50_ms":%.2f,"p99_ms":%.2f,"failed":%d}\n',
        summary.requests / (summary.duration / 1e6), latency:percentile(50) / 1000,
        latency:percentile(99) / 1000,
        errors.connect + errors.read + errors.write + errors.status + errors.timeout))
end
