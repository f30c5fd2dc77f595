-- Refusals in InfluxDB's own form, {"code","message"}, and what the journal says of them.
local M = {}

local CODES = {
    [400] = "invalid",
    [401] = "unauthorized",
    [403] = "forbidden",
    [404] = "not found",
    [413] = "request too large",
}
local QUIET = 60 -- seconds in which the same refusal is logged once
local logged = ngx.shared.logged

--- Logs to the journal, at most once a minute for each edge and status.
local function tell(status, why)
    local who = ngx.ctx.owner and ngx.ctx.owner.name or "unknown"
    if logged:add(who .. " " .. status, true, QUIET) then
        ngx.log(ngx.WARN, who, " is refused (", status, "): ", why)
    end
end

--- Ends the request. `why` is a sentence without what a line holds or a token.
function M.refuse(status, why)
    tell(status, why)
    ngx.req.discard_body()
    ngx.status = status
    ngx.header["Content-Type"] = "application/json; charset=utf-8"
    if status == 401 then
        ngx.header["WWW-Authenticate"] = "Token"
    end
    local body = '{"code":"' .. CODES[status] .. '","message":"' .. why .. '"}\n'
    ngx.header["Content-Length"] = #body
    ngx.print(body)
    return ngx.exit(ngx.HTTP_OK)
end

return M
