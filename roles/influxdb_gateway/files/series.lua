-- How many series an edge has written to on a day (UTC). Counted in memory that all workers share and a reload keeps.
local credentials = require("credentials")
local settings = require("settings")

local M = {}

local DAY = 86400
local seen, counts = ngx.shared.series, ngx.shared.series_counts

--- Counts the series of one request, the keys of a table. False when the edge has none left today.
--- When the memory is full a series passes uncounted: one edge alone cannot fill it.
function M.admit(edge, found)
    local now = ngx.time()
    local day, left = math.floor(now / DAY), DAY - now % DAY
    local key = day .. ":" .. edge
    for series in pairs(found) do
        local mark = string.sub(credentials.sha256(key .. "\n" .. series), 1, 16)
        if not seen:get(mark) then
            if (counts:get(key) or 0) >= settings.series_per_day then
                return false
            end
            if seen:safe_add(mark, true, left) then
                counts:incr(key, 1, 0, left)
            end
        end
    end
    return true
end

return M
