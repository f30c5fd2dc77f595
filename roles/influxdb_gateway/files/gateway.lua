-- What passes to InfluxDB: an edge's write of its own lines, a reader's query, and whether InfluxDB is well.
-- `admit_…` look at the head of a request, before its body is read; what they let through nginx counts and limits.
local answer = require("answer")
local body = require("body")
local credentials = require("credentials")
local lines = require("lines")
local series = require("series")
local settings = require("settings")

local M = {}

local refuse = answer.refuse
local PRECISIONS = { ns = true, us = true, ms = true, s = true }

local function token_in(path)
    local file = assert(io.open(path, "r"), "the gateway cannot read " .. path)
    local token = string.match(file:read("*a"), "^%s*(.-)%s*$")
    file:close()
    return "Token " .. token
end

--- Before the first request, and at each reload. InfluxDB's own tokens are read here and go nowhere but to InfluxDB.
function M.start()
    M.to_write, M.to_read = token_in(settings.write_token_file), token_in(settings.read_token_file)
    credentials.load()
end

--- The path as it was sent, and the one method. nginx has found the location by what it made of the path.
local function exactly(path, method, other)
    local sent = ngx.var.request_uri
    if sent ~= path and string.sub(sent, 1, #path + 1) ~= path .. "?" then
        return refuse(404, "there is no such path")
    end
    local used = ngx.req.get_method()
    if used ~= method and used ~= other then
        return refuse(403, path .. " takes " .. method .. " only")
    end
end

--- A header that stands once, or nil.
local function header(name)
    local value = ngx.req.get_headers(100)[name]
    if type(value) == "table" then
        return refuse(403, name .. " stands more than once")
    end
    return value
end

local function admit(kind, refusal)
    local token = string.match(header("authorization") or "", "^Token ([!-~]+)$")
    local owner = token and credentials.owner(token)
    if not owner then
        return refuse(401, "unauthorized access")
    end
    ngx.ctx.owner = owner
    if owner.kind ~= kind then
        return refuse(403, refusal)
    end
    ngx.var.owner = kind .. " " .. owner.name
end

--- The arguments of the request: each of these names at most once, and no other.
local function arguments(allowed)
    local given, cut = ngx.req.get_uri_args(10)
    for name, value in pairs(given) do
        if not allowed[name] or type(value) ~= "string" then
            return refuse(403, "the arguments of this path are not these")
        end
    end
    if cut then
        return refuse(403, "the arguments of this path are not these")
    end
    return given
end

function M.admit_write()
    exactly("/api/v2/write", "POST")
    admit("edge", "this credential may not write")
    local given = arguments({ org = true, bucket = true, precision = true })
    if given.org ~= settings.org or given.bucket ~= settings.bucket then
        return refuse(404, "there is no such organisation or bucket for this credential")
    end
    local encoding = header("content-encoding")
    if encoding and encoding ~= "gzip" and encoding ~= "identity" then
        return refuse(403, "a body may be packed as gzip, and in no other way")
    end
    ngx.ctx.packed = encoding == "gzip"
    local precision = given.precision or "ns"
    if not PRECISIONS[precision] then
        return refuse(400, "invalid precision; valid precision units are ns, us, ms, and s")
    end
    ngx.var.precision = precision
    ngx.var.encoding = encoding == "gzip" and "gzip" or ""
    ngx.var.credential_host = ngx.ctx.owner.host
    ngx.var.authorization = M.to_write
end

--- Each line is of a series that the edge may write to, and it has series left today.
function M.check_write()
    ngx.req.read_body()
    if ngx.req.get_body_file() then
        return refuse(413, "it is larger than a write may be")
    end
    local owner, found, count = ngx.ctx.owner, {}, 0
    local limit = settings.series_per_day
    local status, why = body.each_line(ngx.req.get_body_data() or "", ngx.ctx.packed, settings.largest_unpacked,
        function(line, number)
            local name, fault = lines.series(line)
            if not name then
                return 400, "line " .. number .. ": " .. fault
            end
            if found[name] then
                return nil
            end
            local wrong, reason = lines.fault(name, owner.hosts)
            if wrong then
                return wrong, "line " .. number .. ": " .. reason
            end
            found[name], count = true, count + 1
            if count > limit then
                return 403, "more series than the " .. limit .. " that an edge may write to on a day"
            end
        end)
    if status then
        return refuse(status, why)
    end
    if not series.admit(owner.name, found) then
        return refuse(403, "this edge has written to " .. limit .. " series today, and may write to no other")
    end
end

function M.admit_query()
    exactly("/api/v2/query", "POST")
    admit("reader", "this credential may not read")
    local given = arguments({ org = true })
    if given.org and given.org ~= settings.org then
        return refuse(404, "there is no such organisation for this credential")
    end
    if header("content-encoding") then
        return refuse(403, "a query is not packed")
    end
    ngx.var.authorization = M.to_read
end

--- `/health` and `/ping`, for everybody.
function M.admit_look(path)
    exactly(path, "GET", "HEAD")
    ngx.req.set_uri_args("")
end

function M.no_such_path()
    return refuse(404, "there is no such path")
end

return M
