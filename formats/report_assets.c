#include "formats/report_assets.h"

/* The assembler reads the files; the Makefile says what this depends on. */
#define ASSET(name, file)                                                                          \
	__asm__(".pushsection .rodata\n"                                                           \
		".globl " #name "\n"                                                               \
		".hidden " #name "\n"                                                              \
		".type " #name ", %object\n" #name ":\n"                                           \
		".incbin \"formats/assets/" file "\"\n"                                            \
		".byte 0\n"                                                                        \
		".size " #name ", . - " #name "\n"                                                 \
		".popsection\n")

ASSET(report_asset_flamegraph_js, "flamegraph.js");
ASSET(report_asset_report_js, "report.js");
ASSET(report_asset_report_css, "report.css");
