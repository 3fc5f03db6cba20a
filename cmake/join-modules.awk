# SPDX-License-Identifier: Apache-2.0
#
# Joins ES modules to one and makes it small: without what only people read, and with short names
# for what nobody outside can name. Reads the files in the order in which they need each other;
# their top-level names share one scope afterwards. It knows lines, not JavaScript, and ends with
# an error at what it could spoil. Our sources are written so that
#   - an import is one line and names a file that is joined too,
#   - a comment stands on lines of its own, or ends a line behind a space,
#   - a text or template literal ends on its line,
#   - each statement ends with a semicolon, and none is empty,
#   - the names of exported classes, of constant numbers and of what else stands at the top level
#     in camelCase or UPPER_CASE are no property's name, and no word of a text,
#   - a class begins and ends at the first column.

function fail(why)
{
    print FILENAME ":" FNR ": " why > "/dev/stderr"
    failed = 1
    exit 1
}

FNR == 1 && in_comment { fail("the file before ends within a comment") }

in_comment {
    if (/\*\//) {
        if (!/\*\/[ \t]*$/)
            fail("something follows the end of a comment")
        in_comment = 0
    }
    next
}
/^[ \t]*\/\*/ {
    if (!/\*\//)
        in_comment = 1
    else if (!/\*\/[ \t]*$/)
        fail("something follows the end of a comment")
    next
}
/^[ \t]*\/\// { next }
/^import / {
    if (!/ from '\.[^']*';$/)
        fail("an import has to be one line, of one of our files")
    next
}

{
    if (gsub(/`/, "`") % 2)
        fail("a template literal has to end on its line")
    exported = !/^export default / && sub(/^export /, "")
    sub(/[ \t]+\/\/ [^'"`]*$/, "") # with a quote in it, it may be part of a text
    if (/^class /)
        class++
    note_private_names($0)
    if (note_top_level_name($0, exported))
        next
    sub(/^[ \t]+/, "")
    sub(/[ \t]+$/, "")
    if (length($0) > 0)
        lines[++count] = $0
}

END {
    if (failed)
        exit 1
    if (in_comment)
        fail("the last file ends within a comment")
    choose_private_names()
    for (i = 1; i <= count; i++) {
        line = squeeze(shorten(lines[i]))
        if (lines[i + 1] ~ /^[]})]/)
            sub(/,$/, "", line)
        if (lines[i + 1] ~ /^}/)
            sub(/;$/, "", line)
        # Statements end with a semicolon: at most between two words is an end of line needed.
        joined = joined line (line ~ /([;{}(,]|=>)$/ || lines[i + 1] ~ /^[})]/ ? "" : "\n")
    }
    printf "%s", joined
}

# Whether the line is used up: it names a number, which will stand wherever the name did.
function note_top_level_name(line, exported,    words)
{
    sub(/^async /, "", line)
    split(line, words, /[ (]/)
    if (line ~ /^const [A-Z_]+ = [0-9_]+;$/) {
        gsub(/[_;]/, "", words[4])
        short[words[2]] = words[4]
        top_level[words[2]] = 1
        return 1
    }
    if (line ~ /^(const|let|class|function) / && (words[2] ~ /[a-z][A-Z]|_/ || exported && words[1] == "class"))
        top_level[words[2]] = 1
    return 0
}

function note_private_names(line,    name)
{
    while (match(line, /#[A-Za-z_$][A-Za-z0-9_$]*/)) {
        name = substr(line, RSTART, RLENGTH)
        line = substr(line, RSTART + RLENGTH)
        if (!(name in is_private))
            private[++privates] = name
        is_private[name] = 1
        used_by[name, class] = 1
    }
}

# One short name for a private name of several classes: what repeats, compresses. Names that never
# meet in a class may share it.
function choose_private_names(    i, number)
{
    for (i = 1; i <= privates; i++) {
        for (number = 0; is_taken(private[i], number); number++)
            continue
        take(private[i], number)
        short[private[i]] = "#" letters(number)
    }
}

function is_taken(name, number,    i)
{
    for (i = 1; i <= class; i++)
        if ((name, i) in used_by && (number, i) in taken)
            return 1
    return 0
}

function take(name, number,    i)
{
    for (i = 1; i <= class; i++)
        if ((name, i) in used_by)
            taken[number, i] = 1
}

# Gives private and top-level names their short ones. A private name stands behind a dot or is what
# its line defines; anywhere else it might be part of a text.
function shorten(line,    done, name)
{
    done = ""
    while (match(line, /#?[A-Za-z_$][A-Za-z0-9_$]*/)) {
        name = substr(line, RSTART, RLENGTH)
        done = done substr(line, 1, RSTART - 1)
        line = substr(line, RSTART + RLENGTH)
        if (name ~ /^#/ && done !~ /\.$/ && done !~ /^((static|async|get|set) )*$/)
            fail(name " is neither behind a dot nor what its line defines")
        if (name in top_level && done ~ /[^.]\.$/)
            fail(name " is a top-level name and a property")
        if (name in top_level && done ~ /^[^'"`]*('[^']*'[^'"`]*)*'[^']+$/)
            fail(name " is a top-level name and in a text")
        done = done ((name ~ /^#/ || name in top_level) && done !~ /['"]$/ ? short_name(name) : name)
    }
    return done line
}

function short_name(name)
{
    if (!(name in short))
        short[name] = "$" letters(top_levels++)
    return short[name]
}

# a, b, ... z, aa, ab, ...
function letters(number,    last)
{
    last = substr("abcdefghijklmnopqrstuvwxyz", number % 26 + 1, 1)
    return number < 26 ? last : letters(int(number / 26) - 1) last
}

# Takes spaces out of what is no text. Where a regular expression may be, it leaves all as it is.
function squeeze(line,    done, text, rest)
{
    if (line ~ /[(=] ?\//)
        return line
    done = ""
    while (match(line, /'[^']*'|"[^"]*"|`[^`]*`/)) {
        text = substr(line, RSTART, RLENGTH)
        rest = substr(line, RSTART + RLENGTH)
        done = done squeeze_code(substr(line, 1, RSTART - 1)) text
        line = rest
    }
    return done squeeze_code(line)
}

function squeeze_code(code)
{
    while (match(code, / [=!?:<>&|*+\/-]+ /))
        code = substr(code, 1, RSTART - 1) substr(code, RSTART + 1, RLENGTH - 2) \
               substr(code, RSTART + RLENGTH)
    sub(/ =>$/, "=>", code)
    while (match(code, /\([A-Za-z]+\)=>/))
        code = substr(code, 1, RSTART - 1) substr(code, RSTART + 1, RLENGTH - 4) "=>" \
               substr(code, RSTART + RLENGTH)
    gsub(/, /, ",", code)
    gsub(/: /, ":", code)
    gsub(/ ?{ ?/, "{", code)
    gsub(/ }/, "}", code)
    gsub(/} /, "}", code)
    gsub(/ \(/, "(", code)
    gsub(/ \[/, "[", code)
    return code
}
