# Writes a .cpp that holds the given text files as raw string literals, in name order:
#   cmake -DOUT=file.cpp -DSYMBOL=auth::migrations -DFILES=a.sql;b.sql -P embed.cmake
# Text assets stay real files for the editor; the binary carries them.
string(REPLACE "::" ";" parts "${SYMBOL}")
list(GET parts 0 namespace)
list(GET parts 1 function)
set(body "// Generated from the files named below; edit those.\n#include \"base/embedded_text.hpp\"\n\nnamespace ${namespace} {\n\n")
string(APPEND body "base::EmbeddedTexts ${function}() {\n    static const base::EmbeddedText texts[] = {\n")
list(SORT FILES)
foreach(file IN LISTS FILES)
    get_filename_component(name "${file}" NAME)
    file(READ "${file}" text)
    string(APPEND body "        {\"${name}\", R\"~embed~(${text})~embed~\"},\n")
endforeach()
string(APPEND body "    };\n    return texts;\n}\n\n}  // namespace ${namespace}\n")
file(WRITE "${OUT}" "${body}")
