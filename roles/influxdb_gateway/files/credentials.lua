-- Who a token belongs to. The file holds hashes only: a line `kind TAB name TAB sha256 TAB host…` for each credential.
local ffi = require("ffi")
local settings = require("settings")
local lines = require("lines")

ffi.cdef("unsigned char *SHA256(const unsigned char *text, size_t length, unsigned char *digest);")

local M = {}

local LEAST_PAUSE = 1 -- seconds between two reads of the file
local LONGEST_PAUSE = 5 -- so long at most is a credential good that was replaced
local digest = ffi.new("unsigned char[32]")
local known, read_at = {}, 0

function M.sha256(text)
    ffi.C.SHA256(text, #text, digest)
    return ffi.string(digest, 32)
end

local function from_hex(text)
    return (string.gsub(text, "%x%x", function(two) return string.char(tonumber(two, 16)) end))
end

local function read(text)
    local found = {}
    for line in string.gmatch(text, "[^\n]+") do
        local kind, name, hash, rest = string.match(line, "^(%w+)\t([^\t]+)\t(%x+)(.*)$")
        if kind and #hash == 64 then
            local hosts, first = {}, nil
            for host in string.gmatch(rest, "\t([^\t]+)") do
                hosts[lines.tag(host)] = true
                first = first or host
            end
            found[from_hex(hash)] = { kind = kind, name = name, host = first or "", hosts = hosts }
        end
    end
    return found
end

--- Reads the file again. An absent one admits no client.
function M.load()
    local file = io.open(settings.credentials_file, "r")
    known = file and read(file:read("*a")) or {}
    if file then
        file:close()
    end
    read_at = ngx.now()
end

--- Whose token it is: `kind` (edge or reader), `name`, `host` and `hosts`; nil when it is unknown.
--- A new credential is known without a reload; one that was revoked is forgotten at once by the reload that follows.
function M.owner(token)
    local hash, age = M.sha256(token), ngx.now() - read_at
    if age >= LONGEST_PAUSE or (age >= LEAST_PAUSE and not known[hash]) then
        M.load()
    end
    return known[hash]
end

return M
