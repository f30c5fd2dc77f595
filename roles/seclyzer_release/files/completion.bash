# Completion of `seclyzer` in bash. The command itself says what there is, so that this is right for every release.
_seclyzer() {
    local line words=("${COMP_WORDS[@]:1:COMP_CWORD-1}")
    COMPREPLY=()
    while IFS= read -r line; do
        COMPREPLY+=("$line")
    done < <(compgen -W "$(seclyzer --complete "${words[@]}" 2>/dev/null)" -- "${COMP_WORDS[COMP_CWORD]}")
}
complete -o default -F _seclyzer seclyzer
