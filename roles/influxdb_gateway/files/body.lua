-- The lines of a request's body, one at a time: unpacked in small pieces, so that a bomb is noticed while it is small.
local zlib = require("zlib")
local find, sub = string.find, string.sub

local M = {}

local GZIP = 31 -- zlib's number for gzip with the largest window, and nothing else
local PIECE = 4096 -- a packed byte becomes at most 1032: so a piece becomes 4 MiB at most
local LONGEST_LINE = 65536
local MOST_LINES = 50000 -- ten batches of an extractor; a line costs time however short it is
local TURN = 1000 -- lines after which other requests get their turn
local PAUSE = 0.001

--- Calls `each(line, number)` for every line that is not empty, until it returns something.
--- Returns nil when all went well; else what `each` returned, or a status and what is wrong.
function M.each_line(data, packed, largest, each)
    local inflate = packed and zlib.inflate(GZIP)
    local number, lines, total, tail, over = 0, 0, 0, "", false

    local function too_long()
        return 400, "line " .. number + 1 .. ": it is longer than " .. LONGEST_LINE .. " bytes"
    end

    local function take(text, last)
        total = total + #text
        if total > largest then
            return 413, "unpacked it is larger than " .. largest .. " bytes"
        end
        text = tail .. text
        local from = 1
        while true do
            local start = find(text, "[^\n]", from) or #text + 1
            number, from = number + start - from, start
            local stop = find(text, "\n", from, true) or (last and from <= #text and #text + 1)
            if not stop then
                break
            elseif stop - from > LONGEST_LINE then
                return too_long()
            elseif lines == MOST_LINES then
                return 413, "more than " .. MOST_LINES .. " lines"
            end
            number, lines = number + 1, lines + 1
            local status, why = each(sub(text, from, stop - 1), number)
            if status then
                return status, why
            end
            if lines % TURN == 0 then
                ngx.sleep(PAUSE)
            end
            from = stop + 1
        end
        tail = sub(text, from)
        if #tail > LONGEST_LINE then
            return too_long()
        end
    end

    for at = 1, #data, PIECE do
        local piece = sub(data, at, at + PIECE - 1)
        local text = piece
        if inflate then
            if over then
                return 400, "something follows what is packed"
            end
            local good, unpacked, ended, used = pcall(inflate, piece)
            if not good then
                return 400, "it is not packed as gzip"
            end
            text, over = unpacked, ended
            if ended and used ~= math.min(at + PIECE - 1, #data) then
                return 400, "something follows what is packed"
            end
        end
        local status, why = take(text, false)
        if status then
            return status, why
        end
    end
    if inflate and not over then
        return 400, "what is packed ends too early"
    end
    return take("", true)
end

return M
