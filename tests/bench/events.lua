-- tests/bench/events.lua: for wrk: single events of many members, each with an id of its own. Arguments: key, members, run.
local threads = 0
function setup(t)
    t:set("number", threads)
    threads = threads + 1
end

function init(args)
    key, members, run, sent = args[1], tonumber(args[2]), args[3], 0
    math.randomseed(number + 1)
    headers = { ["Authorization"] = "Bearer " .. key, ["Content-Type"] = "application/json" }
end

function request()
    sent = sent + 1
    local body = string.format('{"source":"bench","id":"%s-%d-%d","type":"call.completed","member":"m-%d","data":{"rating":%d}}',
        run, number, sent, math.random(members), math.random(5))
    return wrk.format("POST", "/v1/events", headers, body)
end

function done(summary, latency)
    local errors = summary.errors
    print(string.format("%.0f events/s, p50 %.2f ms, p99 %.2f ms, %d answered, %d not 2xx, %d broken",
        summary.requests / summary.duration * 1e6, latency:percentile(50) / 1000, latency:percentile(99) / 1000, summary.requests,
        errors.status, errors.connect + errors.read + errors.write + errors.timeout))
end
