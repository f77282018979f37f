# Turns the style sheet INPUT into the C source OUTPUT, which defines the function NAME of HEADER. (Bytes, since compilers need not take
# long strings.)
file(READ ${INPUT} style HEX)
string(REGEX REPLACE "(..)" "0x\\1," style "${style}")
file(WRITE ${OUTPUT} "#include \"${HEADER}\"\n\nstatic const char style[] = {${style}0};\n\nconst char *${NAME}(void)\n{\n    return style;\n}\n")
