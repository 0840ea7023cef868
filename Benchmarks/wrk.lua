-- For wrk: posts the JSON given after `--`, or the file named there behind `@`, or gets where none is, and closes with one line of JSON.

function init(arguments)
  if arguments[1] then
    wrk.method = "POST"
    wrk.headers["Content-Type"] = "application/json"
    wrk.body = arguments[1]
    if wrk.body:sub(1, 1) == "@" then
      wrk.body = assert(io.open(wrk.body:sub(2), "rb")):read("*a")
    end
  end
end

function done(summary, latency)
  local errors = summary.errors
  io.write(string.format(
    '{"requests": %d, "seconds": %.6f, "median_us": %d, "p99_us": %d, '
      .. '"errors": {"connect": %d, "read": %d, "write": %d, "status": %d, "timeout": %d}}\n',
    summary.requests, summary.duration / 1e6, latency:percentile(50), latency:percentile(99),
    errors.connect, errors.read, errors.write, errors.status, errors.timeout))
end
