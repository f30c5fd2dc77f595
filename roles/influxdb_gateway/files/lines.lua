-- Reads one line of line protocol, strictly enough that InfluxDB cannot read it otherwise.
--
-- A control character, a backslash that does not escape one of `,= `, a quote that does not enclose a field's whole
-- value, a blank more than the two that part series, fields and time: none is in what extractors send, each could be
-- read in two ways, and each is refused (400). Numbers, names of fields and times are InfluxDB's to judge.
local find, gsub, match, sub = string.find, string.gsub, string.match, string.sub

local M = {}

local MEASUREMENTS = require("settings").measurements

-- An escaped separator becomes a control character, so that every separator that is left does separate.
local ESCAPED = { ["\\,"] = "\1", ["\\="] = "\2", ["\\ "] = "\3" }

--- A tag's value as it stands in a series that `M.series` gives.
function M.tag(text)
    return (gsub(text, "[,= ]", { [","] = "\1", ["="] = "\2", [" "] = "\3" }))
end

--- The series of a line, its escapes replaced; or nil and what is wrong, which is InfluxDB's 400.
function M.series(line)
    if find(line, "[%z\1-\31\127]") then
        return nil, "it holds a control character"
    end
    if find(line, "\\", 1, true) then
        line = gsub(line, "\\[,= ]", ESCAPED)
        if find(line, "\\", 1, true) then
            return nil, "a backslash escapes nothing"
        end
    end
    local series, rest = match(line, "^([^, ][^ ]*) (.+)$")
    if not series then
        return nil, "it has no measurement, or no blank before its fields"
    end
    local unquoted = gsub(rest, '="[^"]*"', "=0")
    if find(unquoted, '"', 1, true) then
        return nil, "a quote encloses no field's value"
    end
    local fields = match(unquoted, "^([^ ]+)$") or match(unquoted, "^([^ ]+) %-?%d+$")
    if not fields or gsub("," .. fields, ",[^,=]+=[^,=]+", "") ~= "" then
        return nil, "fields and time cannot be distinguished"
    end
    return series
end

--- Whether a series is one that this edge may write to. Nil when it is, else the status and what is wrong.
--- `hosts` holds the names that it may give, each as `M.tag` writes it.
function M.fault(series, hosts)
    local comma = find(series, ",", 1, true) or #series + 1
    local at, host, count = comma, nil, 0
    while at <= #series do
        local _, last, key, value = find(series, "^,([^,=]+)=([^,=]+)", at)
        if not last then
            return 400, "tags cannot be parsed"
        end
        if key == "host" then
            host, count = value, count + 1
        end
        at = last + 1
    end
    if count > 1 then
        return 403, "the tag host stands more than once"
    end
    if not MEASUREMENTS[sub(series, 1, comma - 1)] then
        return 403, "this measurement is none that an edge writes"
    end
    if not hosts[host or ""] then
        return 403, "its tag host is not the host of this credential"
    end
    return nil
end

return M
