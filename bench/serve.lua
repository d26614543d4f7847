-- wrk sends photos in turn, each as raw bytes; the files are named in the list that PHOTOS names.
wrk.method = "POST"
wrk.path = "/v1/check"
wrk.headers["Content-Type"] = "application/octet-stream"

local requests, at = {}, 0

function init()
  for name in io.lines(os.getenv("PHOTOS")) do
    local file = assert(io.open(name, "rb"))
    table.insert(requests, wrk.format(nil, nil, nil, file:read("*a")))
    file:close()
  end
end

function request()
  at = at % #requests + 1
  return requests[at]
end

local threads = {}
function setup(thread)
  table.insert(threads, thread)
end

function response(status)
  statuses = statuses or {}
  statuses[status] = (statuses[status] or 0) + 1
  told = ""
  for code, count in pairs(statuses) do
    told = told .. " " .. code .. ":" .. count
  end
end

function done(summary, latency)
  for _, thread in ipairs(threads) do
    print("statuses" .. (thread:get("told") or ""))
  end
  local errors = summary.errors
  print("broken " .. errors.connect + errors.read + errors.write + errors.timeout)
  print("p50_ms " .. latency:percentile(50) / 1000)
  print("p99_ms " .. latency:percentile(99) / 1000)
end
